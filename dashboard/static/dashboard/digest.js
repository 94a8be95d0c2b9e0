// A worker: the SHA-256 of a file, or of a piece of one, read in small pieces so that its size does not matter.
// crypto.subtle takes bytes only whole, and is there only over HTTPS.
"use strict";

importScripts("../vendor/sha256-uint8array-0.12.1.min.js");

const PIECE = 2 ** 20;

const digest = async (id, blob) => {
  const hash = SHA256.createHash();
  let told = Date.now();
  for (let at = 0; at < blob.size; at += PIECE) {
    hash.update(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()));
    if (Date.now() - told < 250) continue;
    told = Date.now();
    postMessage({ id, read: at });
  }
  return btoa(String.fromCharCode(...hash.digest()));
};

// One after the other: the answers to the requests, each by its number.
let last = Promise.resolve();
onmessage = ({ data: { id, blob } }) => {
  last = last.then(() => digest(id, blob)).then(
    (sha256) => postMessage({ id, sha256 }),
    (error) => postMessage({ id, error: `${error.message}` }),
  );
};
