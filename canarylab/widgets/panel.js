// Runs in the page when a panel is shown; `this` is the <style> element that holds panel.css.
const panel = this.closest(".canarylab-panel");

/** Give names to what ipywidgets shows without one. Rows come after the panel, so it is repeated. */
function complete() {
  for (const slider of panel.querySelectorAll(".widget-slider")) {
    const handle = slider.querySelector(".noUi-handle");
    handle?.setAttribute("aria-label", slider.querySelector(".widget-label").textContent);
    handle?.setAttribute("data-lm-suppress-shortcuts", "true"); // arrow keys stay with the slider
  }
  for (const line of panel.querySelectorAll(".canarylab-status, .canarylab-gone")) {
    line.setAttribute("role", "status");
  }
  for (const commands of panel.querySelectorAll("textarea")) {
    commands.scrollTop = commands.scrollHeight; // the newest is the last
  }
}

/** Escape goes back to the cell, in JupyterLab's command mode. */
function leave(event) {
  if (event.key === "Escape") {
    document.activeElement.blur();
    panel.closest(".jp-Cell")?.focus();
  }
}

const notebook = panel?.closest(".jp-NotebookPanel");
const GONE = new Set(["restarting", "autorestarting", "terminating", "dead", "initializing"]);
let isGone = false;

/** JupyterLab shows the state of the kernel in the toolbar; a new kernel has no such panel. */
function follow(changes) {
  for (const { target, oldValue } of changes) {
    const state = target.dataset.status;
    isGone ||= GONE.has(state) || GONE.has(oldValue);
    panel.classList.toggle("canarylab-disconnected", isGone || state === "disconnected");
  }
}

if (panel && !panel.dataset.complete) {
  panel.dataset.complete = "true";
  panel.addEventListener("keydown", leave);
  new MutationObserver(complete).observe(panel, { childList: true, subtree: true });
  complete();
  if (notebook) {
    const options = { attributeFilter: ["data-status"], attributeOldValue: true, subtree: true };
    new MutationObserver(follow).observe(notebook, options);
  }
}
