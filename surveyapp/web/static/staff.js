// Conveniences that every page works without: "/" goes to the search box, further acts close
// again, heads sort tables, a new retreat asks only the days that its protocol has, figures answer
// the items of a sheet, and a chart tells what is known of the point in hand.
"use strict";

document.addEventListener("keydown", function (event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  const box = document.getElementById("find");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || !box) return;
  event.preventDefault();
  box.focus();
});

// A list of further acts lies over the page, so Escape and a look elsewhere put it away.
for (const more of document.querySelectorAll("details.more")) {
  more.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || !more.open) return;
    more.open = false;
    more.querySelector("summary").focus();
  });
  more.addEventListener("focusout", function (event) {
    if (event.relatedTarget && !more.contains(event.relatedTarget)) more.open = false;
  });
}

function cellKey(row, column) {
  const cell = row.cells[column];
  return cell.dataset.key || cell.textContent.trim();
}

function sortBy(table, head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  const rows = Array.from(table.tBodies[0].rows);
  const order = new Intl.Collator(document.documentElement.lang, { numeric: true });
  rows.sort((a, b) => order.compare(cellKey(a, column), cellKey(b, column)) * (down ? -1 : 1));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table[data-sort]")) {
  Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortBy(table, head, column));
  });
}

const protocol = document.querySelector("select[name=protocol]");

function showDays() {
  for (const days of document.querySelectorAll("fieldset[data-protocol]")) {
    days.hidden = days.dataset.protocol !== protocol.value;
  }
}

if (protocol) {
  protocol.addEventListener("change", showDays);
  showDays();
}

function answerByKey(event) {
  const asked = event.target.closest("fieldset");
  const place = Number.parseInt(event.key, 10);
  const choices = asked ? asked.querySelectorAll("input[type=radio]") : [];
  if (event.ctrlKey || event.metaKey || event.altKey || !choices[place - 1]) return;
  event.preventDefault();
  choices[place - 1].checked = true;
  const following = asked.nextElementSibling;
  const next = following && following.querySelector("input[type=radio]:checked");
  (next || choices[place - 1]).focus();
}

for (const sheet of document.querySelectorAll("[data-keys]")) {
  sheet.addEventListener("keydown", answerByKey);
}

for (const readout of document.querySelectorAll("[data-readout]")) {
  const figure = readout.parentElement.querySelector(".figure");
  const tell = function (event) {
    const point = event.target.closest(".point");
    readout.textContent = point ? point.getAttribute("aria-label") : readout.dataset.readout;
  };
  readout.textContent = readout.dataset.readout;
  readout.hidden = false;
  for (const kind of ["focusin", "pointerover"]) figure.addEventListener(kind, tell);
}
