// ---- rows: what a value means

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const hasOwn = Object.prototype.hasOwnProperty;

/** Categories that are equal have equal keys: 1, 1.0 and true are one; numbers beyond 2**53 are compared exactly. */
function keyOf(value) {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return value;
}

const codesOf = categories.map((known) => known && new Map(known.map((value, code) => [keyOf(value), code])));
const numbers = new Float64Array(columns.length); // of one row; NaN is a missing value
const codes = new Int32Array(columns.length); // of one row; a missing value has the number of categories

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? value.slice(0, 40) + "..." : value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return value.length ? "an array" : "an empty array";
  return value === null || typeof value !== "object" ? String(value) : "an object";
}

function numberOf(value, name) {
  let number = value;
  if (value === null || value === undefined) return NaN;
  if (typeof value !== "number") {
    const known = typeof value === "boolean" || typeof value === "bigint";
    if (!known && !(typeof value === "string" && NUMBER.test(value)))
      throw new TypeError(`column ${shown(name)} must be a number, or null if missing, got ${shown(value)}`);
    number = Number(value);
  }
  if (number === Infinity || number === -Infinity)
    throw new RangeError(`column ${shown(name)} must be a finite number, or null if missing, got ${shown(value)}`);
  return number;
}

function codeOf(value, known, name) {
  if (value !== null && typeof value === "object")
    throw new TypeError(`column ${shown(name)} must be a text, a number or a boolean, or null, got ${shown(value)}`);
  const code = known.get(keyOf(value));
  return code === undefined ? known.size : code; // missing, or never seen
}

function refuseColumns(row, listed) {
  if (listed) throw new TypeError(`a row must have ${columns.length} values, one per column, got ${row.length}`);
  const lacking = columns.filter((name) => !hasOwn.call(row, name));
  const more = Object.keys(row).filter((name) => !columns.includes(name));
  const told = [];
  if (lacking.length) told.push(`lacks ${lacking.slice(0, 5).map(shown).join(", ")}`);
  if (more.length) told.push(`has ${more.slice(0, 5).map(shown).join(", ")} beside them`);
  throw new TypeError(`a row must have the ${columns.length} columns of the model, but it ${told.join(" and ")}`);
}

/** Read a row into `numbers` and `codes`. */
function encode(row) {
  if (row === null || typeof row !== "object")
    throw new TypeError(`a row must be an object or an array, got ${shown(row)}`);
  const listed = Array.isArray(row) || ArrayBuffer.isView(row);
  if ((listed ? row.length : Object.keys(row).length) !== columns.length) refuseColumns(row, listed);
  for (let j = 0; j < columns.length; j++) {
    const name = columns[j];
    if (!listed && !hasOwn.call(row, name)) refuseColumns(row, listed);
    const value = row[listed ? j : name];
    if (codesOf[j] === null) numbers[j] = numberOf(value, name);
    else codes[j] = codeOf(value, codesOf[j], name);
  }
}
