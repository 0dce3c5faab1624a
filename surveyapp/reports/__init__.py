"""Reports: charts as SVG, and the two PDFs. The only importer of WeasyPrint."""
