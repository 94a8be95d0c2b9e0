// Sends the form with progress. Without this script the browser sends the same form by itself.
"use strict";

const form = document.getElementById("upload");
const field = document.getElementById("package");
const metadata = document.getElementById("metadata");
const drop = document.getElementById("drop");
const sending = document.getElementById("sending");
const told = document.getElementById("told");
const problem = document.getElementById("problem");
const button = document.getElementById("send");

for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) field.files = event.dataTransfer.files;
  });
}

// The fields may be empty when a file says it all.
const mark = () => {
  for (const input of form.querySelectorAll("[data-required]")) input.required = !metadata.files.length;
};
metadata.addEventListener("change", mark);
mark();

const units = ["bytes", "kB", "MB", "GB", "TB"];
const size = (bytes) => {
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit++; }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
};
const time = (seconds) => {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
};

const tell = (answer) => {
  const [summary, hint] = problem.querySelectorAll("p");
  summary.firstElementChild.textContent = answer.summary;
  hint.textContent = answer.hint || "";
  problem.hidden = false;
  problem.scrollIntoView({ block: "center" });
  sending.hidden = true;
  button.disabled = false;
};

// The one place that moves bytes: gives back a promise of the server's answer.
const send = (data, moved) => {
  const request = new XMLHttpRequest();
  const promise = new Promise((resolve, reject) => {
    request.open("POST", form.action);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => moved(event.loaded, event.total);
    request.onload = () => resolve(request);
    request.onerror = request.onabort = () => reject(new Error(form.dataset.lost));
    request.send(data);
  });
  return { promise, stop: () => request.abort() };
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  sending.hidden = false;
  button.disabled = true;
  const began = performance.now();
  let spoke = 0;
  const moved = (loaded, total) => {
    document.getElementById("progress").value = loaded / total;
    const seconds = (performance.now() - began) / 1000;
    if (loaded < total && seconds - spoke < 1) return;
    spoke = seconds;
    const rate = loaded / Math.max(seconds, 0.001);
    told.textContent = `${form.dataset.sending}: ${size(loaded)} / ${size(total)} · ${size(rate)}/s · ` +
      `${time((total - loaded) / rate)} ${form.dataset.left}`;
  };
  const leaving = (leave) => leave.preventDefault();
  addEventListener("beforeunload", leaving);
  try {
    const { promise, stop } = send(new FormData(form), moved);
    document.getElementById("stop").onclick = stop;
    const answer = await promise;
    removeEventListener("beforeunload", leaving);
    if (answer.status === 201) {
      told.textContent = form.dataset.kept;
      location.assign(answer.response.url);
    } else {
      tell(answer.response || { summary: `${answer.status} ${answer.statusText}` });
    }
  } catch (error) {
    removeEventListener("beforeunload", leaving);
    tell({ summary: error.message });
  }
});
