/// <reference lib="dom" />
/**
 * What the network says: the digit it reads, how sure it is, and ten bars.
 * @module
 */

/** Shows what is read. */
export interface Scores {
  /** Probabilities of the ten digits, or nothing. */
  show(probabilities: Float32Array | undefined): void;
}

/** Makes the bars; `answer` and `sure` say the largest. */
export function scoresIn(list: HTMLElement, answer: HTMLElement, sure: HTMLElement): Scores {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const row = document.createElement("li");
    const name = document.createElement("span");
    const bar = document.createElement("span");
    const percent = document.createElement("span");
    name.textContent = `${digit}`;
    bar.className = "bar";
    bar.setAttribute("role", "meter");
    bar.setAttribute("aria-label", `${digit}`);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "1");
    percent.className = "percent";
    percent.setAttribute("aria-hidden", "true");
    row.append(name, bar, percent);
    list.append(row);
    return { row, bar, percent };
  });

  function show(probabilities: Float32Array | undefined): void {
    const top = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    rows.forEach(({ row, bar, percent }, digit) => {
      const part = probabilities?.[digit] ?? 0;
      row.className = digit === top ? "top" : "";
      bar.style.setProperty("--part", part.toFixed(4));
      bar.setAttribute("aria-valuenow", String(part));
      bar.setAttribute("aria-valuetext", percentText(part));
      percent.textContent = probabilities ? percentText(part) : "";
    });
    // Said aloud when it changes, and only then.
    const said = probabilities ? `${top}` : "";
    if (answer.textContent !== said) answer.textContent = said;
    sure.textContent = probabilities ? sureness(probabilities, top) : "";
  }

  show(undefined);
  return { show };
}

function percentText(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

/** How sure it is, and what else it may be. */
function sureness(probabilities: Float32Array, top: number): string {
  const second = probabilities.indexOf(Math.max(...probabilities.filter((_, i) => i !== top)));
  const doubt = probabilities[second] < 0.05
    ? ""
    : `, or ${second} with ${percentText(probabilities[second])}`;
  return percentText(probabilities[top]) + doubt;
}
