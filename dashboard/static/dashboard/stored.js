// Hashes a file beside the page and asks for its SHA-256: packages and files are both known by it. The file stays where it is.
"use strict";

const drop = document.getElementById("drop");
const progress = document.getElementById("progress");
const here = document.currentScript.src;

function ask(file) {
  progress.hidden = false;
  const worker = new Worker(new URL("digest.js", here));
  worker.onmessage = ({ data }) => {
    if (data.read !== undefined) { progress.value = file.size ? data.read / file.size : 1; return; }
    worker.terminate();
    if (data.error) { progress.hidden = true; window.alert(data.error); return; }
    const field = document.getElementById("q");
    field.value = Array.from(atob(data.sha256), (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
    field.form.submit();
  };
  worker.postMessage({ id: 1, blob: file });
}

drop.hidden = false;
document.getElementById("file").addEventListener("change", (event) => {
  if (event.target.files[0]) ask(event.target.files[0]);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files[0]) ask(event.dataTransfer.files[0]);
  });
}
