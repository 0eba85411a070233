"use strict";
// The threshold slider: every count for every threshold is in the page, nothing is fetched.
(function () {
  const data = JSON.parse(document.getElementById("thresholds").textContent);
  const section = document.getElementById("threshold");
  const slider = document.getElementById("threshold-slider");
  const costs = ["fp", "fn"].map((name) => document.getElementById("cost-" + name));
  const lines = section.querySelectorAll("line.cursor");
  const percent = (part, whole) => (whole ? ((100 * part) / whole).toFixed(1) + " %" : "–");

  function put(name, text) {
    for (const place of section.querySelectorAll('[data-field="' + name + '"]')) {
      if (place.textContent !== text) place.textContent = text;
    }
  }

  function cost(row) {
    return row[2] * (Number(costs[0].value) || 0) + row[4] * (Number(costs[1].value) || 0);
  }

  function cheapest() {
    let best = 0;
    data.rows.forEach((row, i) => {
      if (cost(row) < cost(data.rows[best])) best = i;
    });
    return best;
  }

  function show() {
    const row = data.rows[slider.value];
    const [threshold, tp, fp, tn, fn] = row;
    const rows = tp + fp + tn + fn;
    const f1 = 2 * tp + fp + fn ? ((2 * tp) / (2 * tp + fp + fn)).toFixed(3) : "–";
    const counts = { tp: tp, fp: fp, tn: tn, fn: fn };
    for (const name of Object.keys(counts)) {
      put(name, counts[name].toLocaleString("en"));
      const cell = section.querySelector('[data-cell="' + name + '"]');
      const whole = name === "tp" || name === "fn" ? tp + fn : fp + tn;
      cell.style.setProperty("--share", whole ? counts[name] / whole : 0);
    }
    put("value", threshold.toFixed(3));
    put("precision", percent(tp, tp + fp));
    put("recall", percent(tp, tp + fn));
    put("accuracy", percent(tp + tn, rows));
    put("alarms", percent(tp + fp, rows));
    put("f1", f1);
    put("cost", cost(row).toLocaleString("en", { maximumFractionDigits: 2 }));
    put("cheapest", data.rows[cheapest()][0].toFixed(3));
    slider.setAttribute(
      "aria-valuetext",
      threshold.toFixed(3) + ": precision " + percent(tp, tp + fp) + ", recall " + percent(tp, tp + fn)
    );
    for (const line of lines) {
      const x = threshold * line.dataset.width;
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
  }

  slider.addEventListener("input", show);
  for (const field of costs) field.addEventListener("input", show);
  section.querySelector("[data-go=cheapest]").addEventListener("click", function () {
    slider.value = cheapest();
    show();
  });
  section.querySelector("[data-go=start]").addEventListener("click", function () {
    slider.value = data.start;
    show();
  });
  for (const part of section.querySelectorAll("[data-needs-script]")) part.hidden = false;
  show();
})();
