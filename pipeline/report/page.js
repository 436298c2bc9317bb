// Draw each chart into its figure. SVG, so that colours are the page's own and print is sharp.
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const specification = JSON.parse(document.getElementById("chart-" + figure.dataset.chart).textContent);
  vegaEmbed(figure, specification, { renderer: "svg", actions: false });
}
