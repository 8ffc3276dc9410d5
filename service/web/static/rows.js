// Rows of pictures that fill the width and keep their shape. Pure: numbers in, numbers out.

/**
 * Lay out what follows `from` in rows of about `height` pixels, at most `width` wide, with gaps between.
 * `ratios` are width over height. A last row that is not full keeps the height, unless `whole` is false: then what would
 * stand in it waits for more. Returns rows {top, height, from, to, widths} and where the next row begins.
 */
export function rows(ratios, { from = 0, top = 0, width, height, gap, whole = true }) {
  const found = [];
  let begin = from;
  let sum = 0;
  for (let at = from; at < ratios.length; at += 1) {
    sum += Math.min(4, Math.max(0.25, ratios[at]));
    const between = gap * (at - begin);
    if (sum * height + between < width) continue;
    const fits = (width - between) / sum;
    found.push(row(ratios, begin, at + 1, top, fits));
    top += fits + gap;
    begin = at + 1;
    sum = 0;
  }
  if (whole && begin < ratios.length) {
    found.push(row(ratios, begin, ratios.length, top, height));
    top += height + gap;
    begin = ratios.length;
  }
  return { rows: found, top, next: begin };
}

/**
 * Lay out what comes before `to` from its end, so that no row that follows is laid out anew; tops count from the first of
 * these rows. What fills no row at the beginning waits for more. Returns rows as above, and how high they are together.
 */
export function rowsBefore(ratios, { to, ...given }) {
  const { rows: found, top: height } = rows(ratios.slice(0, to).reverse(), { ...given, whole: false });
  const mirrored = found.map((row) => ({
    top: height - row.top - row.height - given.gap, height: row.height, from: to - row.to, to: to - row.from, widths: row.widths.reverse(),
  }));
  return { rows: mirrored.reverse(), height };
}

function row(ratios, from, to, top, height) {
  const widths = ratios.slice(from, to).map((ratio) => Math.min(4, Math.max(0.25, ratio)) * height);
  return { top, height, from, to, widths };
}

/** The first row whose lower edge is below `y`, by halving. */
export function firstBelow(placed, y) {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle].top + placed[middle].height < y) low = middle + 1;
    else high = middle;
  }
  return low;
}
