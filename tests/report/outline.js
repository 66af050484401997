// What an assistive program or a small screen would stumble over.
() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id)?.textContent.trim() || "";
  const named = (node) =>
    (node.getAttribute("aria-label") || "").trim() ||
    (node.getAttribute("aria-labelledby") || "").split(" ").map(byId).join("");
  const ids = all("[id]").map((node) => node.id);
  // Words of a drawing that its edge cuts off.
  const cut = (svg) => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")]
      .filter((text) => {
        const at = text.getBoundingClientRect();
        return at.width && (at.left < box.left - 2 || at.right > box.right + 2);
      })
      .map((text) => text.textContent);
  };
  const small = (text) => text.checkVisibility() && text.getBoundingClientRect().height < 8;
  return {
    headings: all("h1, h2, h3, h4, h5, h6").map((node) => Number(node.tagName[1])),
    lang: document.documentElement.lang,
    unnamed: all("svg, audio, section, nav, [role=region]")
      .filter((node) => !named(node))
      .map((node) => node.outerHTML.slice(0, 80)),
    pictures: all("img").filter((node) => !node.alt.trim() || node.naturalWidth === 0).length,
    heads: all("th").filter((node) => !["row", "col"].includes(node.scope)).length,
    captions: all("table").filter((node) => !node.caption?.textContent.trim()).length,
    double: ids.filter((id, place) => ids.indexOf(id) !== place),
    dead: all('a[href^="#"]').filter((node) => !document.getElementById(node.hash.slice(1))).length,
    scrolls: all(".scroll, pre").filter((node) => node.tabIndex !== 0).length,
    mains: all("main").length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    small: all("svg text").filter(small).length,
    cut: all("svg").flatMap(cut),
  };
}
