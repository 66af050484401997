// Sounds and pictures of items, loaded and decoded before they are needed.

import { Refusal } from "./outbox.js";

export async function file(path) {
  const reply = await fetch(path, { credentials: "same-origin" });
  if (!reply.ok) throw new Refusal(reply.status, (await reply.json().catch(() => ({}))).error ?? "");
  return URL.createObjectURL(await reply.blob());
}

async function decoded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return url;
}

export function load(entry) {
  const { item } = entry;
  const place = `/api/items/${item.item_id}`;
  if (item.kind === "audio")
    entry.media = Promise.all([file(`${place}/sound`), file(`${place}/spectrogram`).then(decoded)]).then(
      ([sound, picture]) => ({ sound, picture, urls: [sound, picture] }),
    );
  else if (item.kind === "image")
    entry.media = file(`${place}/picture`).then(decoded).then((picture) => ({ picture, urls: [picture] }));
  else entry.media = Promise.resolve({ urls: [] });
  if (entry.problem) entry.media = Promise.reject(new Refusal(404, entry.problem));
  entry.media.catch(() => {});
  return entry;
}

export function forget(entry) {
  entry.media.then(({ urls }) => urls.forEach((url) => URL.revokeObjectURL(url)), () => {});
}
