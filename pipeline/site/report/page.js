// Draw each chart into its figure, as SVG: it uses the colours of the page and prints sharply.
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const specification = JSON.parse(document.getElementById("chart-" + figure.dataset.chart).textContent);
  vegaEmbed(figure, specification, { renderer: "svg", actions: false });
}
