// Counts the hidden lines of each box of text, and shows or folds them (parts/whole_text.py, whole_text.css).
// Streamlit draws the boxes; what is added here to one is a button at its end, and attributes of its own.
const BOXES = '[class*="st-key-whole-"]:not(.st-key-whole-texts)';
const boxes = new WeakMap(); // box -> the text it had when it was last looked at, and its button
const sizes = new ResizeObserver((entries) => {
  for (const box of new Set(entries.map((entry) => entry.target.closest(BOXES)))) if (box) measure(box);
});

function lineHeight(clip) {
  const line = clip.querySelector("span, code, div > div") ?? clip;
  return parseFloat(getComputedStyle(line).lineHeight) || 24;
}

// Of a huge text only the beginning is here, until its switch is on.
const hasRest = (box) =>
  box.querySelector('[class*="st-key-rest-"] :is(input:not(:checked), [role="switch"][aria-checked="false"])') !== null;

function measure(box) {
  const known = boxes.get(box);
  if (!known) return;
  const { clip, button, what } = known;
  const isOpen = box.hasAttribute("data-open");
  const hidden = clip.scrollHeight - clip.clientHeight;
  const lines = hidden > 1 ? Math.max(1, Math.round(hidden / lineHeight(clip))) : 0;
  box.toggleAttribute("data-hidden", lines > 0);
  if (lines > 0) box.dataset.hidden = String(lines);
  button.hidden = !lines && !isOpen;
  button.setAttribute("aria-expanded", String(isOpen));
  const isPart = hasRest(box);
  known.isPart = isPart;
  const told = `${lines.toLocaleString("en")} ${lines === 1 ? "line" : "lines"}`;
  const words = isOpen ? "Show less" : isPart ? `Show ${told} more` : `Show all, ${told} hidden`;
  if (button.textContent !== words) button.textContent = words;
  button.setAttribute("aria-label", `${words} (${what})`);
}

function setOpen(box, isOpen) {
  box.toggleAttribute("data-open", isOpen);
  measure(box);
  if (!isOpen && box.getBoundingClientRect().top < 0) box.scrollIntoView({ block: "start" });
}

function newButton(box) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tlm-show-all";
  button.hidden = true;
  button.onclick = () => setOpen(box, !box.hasAttribute("data-open"));
  box.append(button);
  return button;
}

// Boxes that have come, or whose place another text has taken. The browser measures them before it paints.
function adopt() {
  for (const box of document.querySelectorAll(BOXES)) {
    const [key, what] = /st-key-whole-([a-z]+)\S*/.exec(box.className);
    const clip = box.firstElementChild;
    const content = clip?.firstElementChild;
    const known = boxes.get(box);
    if (!content || clip.tagName === "BUTTON") continue;
    if (known?.key === key && known.clip === clip && known.content === content && known.button.isConnected) {
      if (known.isPart !== hasRest(box)) measure(box);
      continue;
    }
    if (known && known.key !== key) box.removeAttribute("data-open");
    if (known) for (const old of [known.clip, known.content]) sizes.unobserve(old);
    if (known?.clip !== clip) {
      // A search in the page, or a selection, led into what is hidden.
      clip.addEventListener("scroll", () => {
        if (clip.scrollTop > 0 && box.hasAttribute("data-hidden")) setOpen(box, true);
      });
    }
    const button = known?.button.isConnected ? known.button : newButton(box);
    boxes.set(box, { key, what, clip, content, button, isPart: false });
    sizes.observe(clip);
    sizes.observe(content);
  }
}

// For the document, not for a page: it is started once, and stays.
export default function () {
  if ("wholeTexts" in document.documentElement.dataset) return;
  document.documentElement.dataset.wholeTexts = "";
  new MutationObserver(adopt).observe(document.body, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["class"],
  });
  adopt();
}
