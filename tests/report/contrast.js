// Every visible text below `root` whose contrast to what lies behind it is under 4.5 (WCAG 2.2, 1.4.3).
(root) => {
  const parts = (colour) => {
    const found = colour.match(/[\d.]+/g).map(Number);
    return found.length > 3 ? found : [...found, 1];
  };
  const luminance = (colour) =>
    colour
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const ratio = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parts(getComputedStyle(node).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const over = (top, share, below) => below.map((value, place) => top[place] * share + value * (1 - share));
  // Numbers of a heat map stand on its cells.
  const behind = (node, drawing) => {
    let below = ground(node);
    const box = node.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    for (const cell of drawing.querySelectorAll(".heat")) {
      const at = cell.getBoundingClientRect();
      if (at.left <= x && x <= at.right && at.top <= y && y <= at.bottom)
        below = over(parts(getComputedStyle(cell).fill), Number(cell.getAttribute("fill-opacity")), below);
    }
    return below;
  };
  const low = [];
  for (const node of document.querySelectorAll(`${root} *`)) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || node.closest("title, desc") || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const drawing = node.closest("svg");
    const found = ratio(parts(drawing ? style.fill : style.color), drawing ? behind(node, drawing) : ground(node));
    if (found < 4.5) low.push([node.tagName, node.textContent.slice(0, 30), found]);
  }
  return low;
}
