// ---- the page: a form for a row, and the answer of the model above
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const MOST_SHOWN = 6;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const number = (value) => Number(value.toPrecision(6)).toLocaleString("en", { maximumSignificantDigits: 6 });
  const best = (shares) => shares.indexOf(Math.max(...shares));
  const said = (answer) =>
    data.classes ? `${data.classes[best(answer)]}, ${percent(Math.max(...answer))}` : answer.map(number).join(", ");

  function made(tag, className, text = "") {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.textContent = text;
    return element;
  }

  // -------------------------------------------------------------- fields
  let sample = null; // the sample row that the form was filled from
  let start = data.columns.map((column) => (column.kind === "number" ? column.start : 0));

  /** The value of a field as the sample rows have it: a number, the position of a category, or null. */
  function valueOf(j) {
    const field = find(`f${j}`);
    return field.value === "" ? null : Number(field.value);
  }

  function fill(values) {
    start = values;
    values.forEach((value, j) => {
      find(`f${j}`).value = value === null ? "" : String(value);
    });
  }

  function look(j) {
    const column = data.columns[j];
    const value = valueOf(j);
    find(`f${j}`).parentElement.classList.toggle("changed", value !== start[j]);
    if (column.kind !== "number") return;
    const far = value !== null && (value < column.low || value > column.high);
    const hint = find(`h${j}`);
    hint.classList.toggle("far", far);
    hint.textContent = far ? `outside of what the student has seen: ${column.span}` : column.span;
    find(`s${j}`).value = value === null ? column.low : value;
  }

  // -------------------------------------------------------------- answers
  function outcomes(answer, theirs) {
    const order = answer.map((_, i) => i);
    if (order.length > MOST_SHOWN) order.sort((a, b) => answer[b] - answer[a]).length = MOST_SHOWN;
    const list = made("ul", "outcome");
    for (const i of order) {
      const line = made("li");
      const name = made("div", "name");
      name.append(made("span", "", data.classes[i]), made("span", "", percent(answer[i])));
      const track = made("div", "track");
      const bar = made("i");
      bar.style.setProperty("--part", `${100 * answer[i]}%`);
      track.append(bar);
      if (theirs) {
        const tick = made("b");
        tick.style.setProperty("--part", `${100 * theirs[i]}%`);
        track.append(tick);
      }
      line.append(name, track);
      list.append(line);
    }
    return list;
  }

  function scale(value, theirs) {
    const all = [...data.range, value, ...(theirs ? theirs.slice(0, 1) : [])];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const part = (x) => `${(100 * (x - low)) / (high - low || 1)}%`;
    const line = made("div", "scale");
    line.setAttribute("aria-hidden", "true");
    const dot = made("i");
    dot.style.setProperty("--part", part(value));
    line.append(dot);
    if (theirs) {
      const tick = made("b");
      tick.style.setProperty("--part", part(theirs[0]));
      line.append(tick);
    }
    line.append(made("span", "", number(low)), made("span", "", number(high)));
    return line;
  }

  function keys() {
    const line = made("p", "keys");
    const ours = made("span", "", "student, now");
    const theirs = made("span", "", "teacher, recorded");
    ours.prepend(made("i"));
    theirs.prepend(made("b"));
    line.append(ours, theirs);
    return line;
  }

  let speaking = 0;
  function speak(text) {
    clearTimeout(speaking);
    speaking = setTimeout(() => (find("live").textContent = text), 400);
  }

  function answer() {
    const values = data.columns.map((_, j) => valueOf(j));
    const place = find("answer");
    const changes = values.filter((value, j) => value !== start[j]).length;
    data.columns.forEach((_, j) => look(j));
    find("back").disabled = changes === 0;
    let found;
    try {
      found = predict(values.map((value, j) => (value === null || !categories[j] ? value : categories[j][value])));
      found = Array.isArray(found) ? found : [found];
    } catch (error) {
      place.replaceChildren(made("p", "error", `There is no answer: ${error.message}.`));
      speak(`There is no answer: ${error.message}`);
      return;
    }
    place.dataset.answer = JSON.stringify(found);
    const theirs = sample && sample.teacher;
    const parts = [made("p", "big student", said(found))];
    if (data.classes) parts.push(outcomes(found, theirs));
    else if (data.range && found.length === 1) parts.push(scale(found[0], theirs));
    if (sample) {
      const truth = sample.truth === null ? "" : Array.isArray(sample.truth) ? sample.truth.map(number).join(", ") : sample.truth;
      if (parts.length > 1) parts.push(keys());
      parts.push(made("p", "say teacher", `Teacher: ${said(theirs)}${changes ? ", for the row as it was" : ""}`));
      if (truth) parts.push(made("p", "say more", `True: ${truth}${changes ? ", for the row as it was" : ""}`));
      if (changes) parts.push(made("p", "say more", `${changes} value${changes > 1 ? "s" : ""} changed; the student said ${said(sample.student)} before.`));
    }
    place.replaceChildren(...parts);
    speak(`The student says ${said(found)}`);
  }

  // -------------------------------------------------------------- events
  function choose(i) {
    sample = data.samples[i];
    fill(sample.values);
    answer();
  }

  const chooser = find("sample");
  if (chooser) {
    data.samples.forEach((one, i) => {
      const option = made("option", "", `row ${one.row}: teacher says ${said(one.teacher)}${one.strays ? " (student differs most)" : ""}`);
      option.value = String(i);
      chooser.append(option);
    });
    chooser.addEventListener("change", () => choose(Number(chooser.value)));
  }
  find("back").addEventListener("click", () => {
    fill(start);
    answer();
  });
  find("form").addEventListener("submit", (event) => event.preventDefault());
  find("form").addEventListener("input", (event) => {
    if (event.target.id === "sample") return;
    if (event.target.type === "range") find(`f${event.target.id.slice(1)}`).value = event.target.value;
    answer();
  });
  if (data.samples.length) choose(0);
  else answer();
}
