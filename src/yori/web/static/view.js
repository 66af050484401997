// Puts what the server said on the page. Everything goes in as text, never as markup: names and labels may hold anything.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function setText(id, text) {
  const node = $(id);
  if (node.textContent !== text) node.textContent = text;
}

export function translate(language, say) {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
}

export function classKeys(classes) {
  return classes.map((_, place) => (place < 9 ? String(place + 1) : place === 9 ? "0" : ""));
}

export function showClasses(classes, choose) {
  const keys = classKeys(classes);
  $("classes").replaceChildren(
    ...classes.map((one, place) => {
      const means = one.means ? element("span", { class: "means" }, one.means) : null;
      const key = keys[place] ? element("kbd", {}, keys[place]) : null;
      const name = element("span", { class: "name" }, one.name);
      const attributes = { type: "button", "data-place": place, "aria-pressed": "false", "aria-keyshortcuts": keys[place] || null };
      const button = element("button", attributes, key, name, means);
      button.addEventListener("click", () => choose(one.name));
      return element("li", {}, button);
    }),
  );
  $("find").hidden = classes.length <= 10;
}

export function markClasses(classes, { suggested, current, chosen }) {
  for (const button of $("classes").querySelectorAll("button")) {
    const { name } = classes[Number(button.dataset.place)];
    button.classList.toggle("suggested", name === suggested);
    button.classList.toggle("current", name === current);
    button.setAttribute("aria-pressed", String(chosen.has(name)));
  }
}

export function filterClasses(classes, wanted) {
  const text = wanted.trim().toLocaleLowerCase();
  let first = null;
  for (const button of $("classes").querySelectorAll("button")) {
    const { name } = classes[Number(button.dataset.place)];
    const fits = name.toLocaleLowerCase().includes(text);
    button.parentElement.hidden = !fits;
    if (fits && first === null) first = name;
  }
  return text ? first : null;
}

export function labelText(label) {
  return label === null ? "" : label.split("\u001f").join(" + ");
}

export function showQuestion(item, number, say) {
  setText("item-title", [say("item", number), item.name, item.domain].filter(Boolean).join(" · "));
  setText("reasons", item.reasons.map((one) => one.text || one.kind).join(" · "));
  const parts = [];
  if (item.suggested !== null && item.confidence !== null)
    parts.push(say("suggested_sure", labelText(item.suggested), item.confidence.toFixed(2)));
  else if (item.suggested !== null) parts.push(say("suggested", labelText(item.suggested)));
  if (item.current !== null) parts.push(say("current", labelText(item.current)));
  const words = item.suggestion_shown ? parts.join(". ") : say("no_suggestion");
  setText("suggestion", words);
  return words;
}

export function showAccept(item, chosen, say) {
  const offered = item.suggestion_shown ? (item.suggested ?? item.current) : null;
  const label = chosen.length > 0 ? chosen.join(" + ") : labelText(offered);
  setText("accept-word", chosen.length > 0 ? say("accept_chosen", label) : label ? say("accept", label) : say("accept_none"));
  $("accept").disabled = !label;
}

export function showContent(item) {
  $("audio").hidden = item.kind !== "audio";
  $("picture").hidden = item.kind !== "image";
  $("text").hidden = !item.text;
  $("text").textContent = item.text ?? "";
  $("fields").hidden = item.fields.length === 0;
  $("fields").querySelector("tbody").replaceChildren(
    ...item.fields.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value))),
  );
}

export function showNeighbours(item, say, hear) {
  $("neighbours").hidden = item.neighbours.length === 0;
  $("neighbours").querySelector("ul").replaceChildren(
    ...item.neighbours.map((one, place) => {
      const similarity = typeof one.similarity === "number" ? one.similarity.toFixed(2) : "";
      const words = similarity ? say("neighbour", labelText(one.label), similarity) : labelText(one.label);
      if (item.kind === "audio") {
        const button = element("button", { type: "button", "aria-label": say("hear", words) }, `▶ ${words}`);
        button.addEventListener("click", () => hear(place));
        return element("li", {}, place === 0 ? element("kbd", {}, "J") : null, button);
      }
      const source = `/api/items/${item.item_id}/neighbours/${place}/picture`;
      const picture = item.kind === "image" ? element("img", { src: source, alt: words, loading: "lazy" }) : null;
      return element("li", {}, picture, element("span", {}, words));
    }),
  );
}

export function showProgress(found, waiting, say) {
  const parts = [say("progress", found.answered, Math.max(0, found.left - waiting))];
  if (found.per_hour !== null) parts.push(say("pace", Math.round(found.per_hour)));
  if (found.agreement) parts.push(say("agreement", `${Math.round(100 * found.agreement.share)} %`, found.agreement.items));
  if (found.gold_items > 0) parts.push(say("gold", found.gold_right, found.gold_items));
  setText("progress", parts.join(" · "));
}

export function showUnsaved(outbox, say) {
  const [trouble, refused] = [outbox.failures > 0 && outbox.waiting.length > 0, outbox.refused[0]];
  const count = refused ? outbox.refused.length : outbox.waiting.length;
  const box = $("unsaved");
  box.hidden = !trouble && !refused;
  document.title = box.hidden ? "yori review" : `⚠ ${say("not_saved", count)}`;
  if (box.hidden) return;
  setText("unsaved-title", say("not_saved", count === 1 ? say("one_answer") : say("answers", count)));
  setText("unsaved-why", refused ? `${say("refused", refused.name)} ${refused.why}` : `${say("saving_again")} ${outbox.why || say("no_server")}`);
  for (const [id, word, hidden] of [["retry", "retry", Boolean(refused)], ["back", "back", !refused], ["dismiss", "dismiss", !refused]]) {
    setText(`unsaved-${id}`, say(word));
    $(`unsaved-${id}`).hidden = hidden;
  }
}

export function showHelp(say) {
  const rows = [
    ["1 … 9, 0", "key_classes"], ["Enter, A", "key_accept"], ["S", "key_skip"], ["U", "key_unsure"], ["D", "key_drop"],
    ["Z", "key_undo"], [say("space"), "key_play"], ["R", "key_replay"], ["L", "key_loop"], ["F", "key_speed"],
    ["J", "key_near"], ["N", "key_note"], ["/", "key_find"], ["?", "key_help"],
  ];
  $("help-keys").replaceChildren(
    ...rows.flatMap(([key, word]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, say(word))]),
  );
}
