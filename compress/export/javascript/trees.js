// ---- the trees: all tests of a row first, then a walk through each tree

const continuous = categories.flatMap((known, j) => (known === null ? [j] : []));
const nominal = categories.flatMap((known, j) => (known === null ? [] : [j]));
const goesLeft = new Uint8Array(test.features.length + test.sets.reduce((sum, { n }) => sum + n, 0));

/**
 * Nodes in preorder, two places each: `next` has the place of the right branch, then that of the left one, or ~leaf for
 * a leaf. Looking up what comes next costs less than a branch that nobody can predict.
 */
const next = new Int32Array(2 * tree.nNodes);
const testOf = new Int32Array(2 * tree.nNodes);
const roots = [];
const open = []; // splits whose branches have not ended
for (let at = 0, leaves = 0, splits = 0, fresh = true; at < next.length; at += 2) {
  if (fresh) roots.push(at);
  fresh = false;
  if ((tree.isSplit[at >> 4] >> ((at >> 1) & 7)) & 1) {
    testOf[at] = tree.tests[splits++];
    next[at + 1] = at + 2;
    open.push(at);
    continue;
  }
  next[at] = ~leaves++;
  while (open.length && next[open[open.length - 1]]) open.pop(); // its right branch has ended, too
  if (open.length) next[open[open.length - 1]] = at + 2;
  else fresh = true;
}

function answerTests() {
  for (let t = 0; t < test.features.length; t++) {
    const k = test.features[t];
    const value = numbers[continuous[k]];
    const x = test.single[k] ? Math.fround(value) : value;
    goesLeft[t] = x <= test.thresholds[t] || (x !== x && test.missingLeft[t] === 1) ? 1 : 0;
  }
  let t = test.features.length;
  test.sets.forEach(({ n, size, left }, k) => {
    const code = codes[nominal[k]];
    for (let s = 0; s < n; s++) goesLeft[t++] = left[s * size + code];
  });
}

const sums = new Float64Array(unit.scale.length);

/** The outputs of the row in `numbers` and `codes`, before the output activation. */
function outputs() {
  answerTests();
  sums.fill(0);
  for (let i = 0, output = 0; i < roots.length; i++) {
    let at = roots[i];
    let right = next[at];
    while (right >= 0) {
      at = next[at + goesLeft[testOf[at]]];
      right = next[at];
    }
    sums[output] += tree.leaves[~right];
    output = output + 1 < sums.length ? output + 1 : 0;
  }
  for (let k = 0; k < sums.length; k++) sums[k] = unit.offset[k] + unit.scale[k] * sums[k];
  return sums;
}
