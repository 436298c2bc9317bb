"""The listening report: questions with their SQL, their charts, and the page that shows them."""
