// Draws what the tables say. The tables are there for everybody; the plots for those who would rather look.
"use strict";

const data = JSON.parse(document.getElementById("plots").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
let drawn = [];

const draw = () => {
  for (const plot of drawn) plot.destroy();
  drawn = [];
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const day = (at) => new Date(at * 1e3).toISOString().slice(0, 10);
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  for (const place of document.querySelectorAll("[data-plot]")) {
    const { x, series } = data[place.dataset.plot];
    if (!series.length) continue;
    place.hidden = false;
    const options = {
      width: place.clientWidth,
      height: 240,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      axes: [{ ...axis, values: (plot, splits) => splits.map((at) => day(at).slice(5)) }, { ...axis, size: 60 }],
      scales: { y: { range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      cursor: { y: false },
      series: [
        { label: place.dataset.day, value: (plot, at) => (at === null ? "" : day(at)) },
        ...series.map((one) => ({
          label: one.label,
          stroke: colour(one.colour),
          fill: `${colour(one.colour)}1c`,
          width: 2,
          points: { show: false },
        })),
      ],
    };
    drawn.push(new uPlot(options, [x, ...series.map((one) => one.values)], place));
  }
};

draw();
dark.addEventListener("change", draw);
let waiting;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(draw, 200);
});
