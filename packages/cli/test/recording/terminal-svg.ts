// A picture of what a terminal shows: text with colours becomes SVG, so that it is sharp at any size, and its text can be selected.

const CELL = { width: 8.4, height: 19 } as const;
const PADDING = 18;
const BAR = 34;
const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace";
const BACK = "#16181d";
const TEXT = "#e3e6eb";
/** By the codes of SGR. Each has at least 4.5 : 1 on the background. */
const COLORS: Readonly<Record<number, string>> = {
	31: "#ff8f8f",
	32: "#7fdca5",
	33: "#f3c46c",
	34: "#8fb4ff",
	35: "#d9a6ff",
	36: "#74d3e0",
	90: "#9aa3b2",
};
const DIM = "#9aa3b2";

interface Style {
	readonly color: string;
	readonly isBold: boolean;
}

interface Run extends Style {
	readonly column: number;
	readonly text: string;
}

const PLAIN: Style = { color: TEXT, isBold: false };

/** Draws the output of commands, with the escape sequences for colours in it. Other sequences are left out. */
export function terminalSvg(
	output: string,
	{ columns, title }: { readonly columns: number; readonly title: string },
): string {
	const lines = parse(output, columns);
	const width = Math.ceil(columns * CELL.width + 2 * PADDING);
	const height = Math.ceil(BAR + lines.length * CELL.height + PADDING);
	const rows = lines.flatMap((runs, index) => {
		const y = BAR + (index + 1) * CELL.height - 5;
		return runs.map(({ column, text, color, isBold }) => {
			const x = (PADDING + column * CELL.width).toFixed(1);
			// Every run has the width of its cells, whatever the font of the reader is.
			const length = (cells(text) * CELL.width).toFixed(1);
			const weight = isBold ? ' font-weight="700"' : "";
			return `<text x="${x}" y="${y}" fill="${color}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${weight}>${escaped(text)}</text>`;
		});
	});
	const dots = ["#ff6b60", "#f5bf4f", "#5fc454"].map(
		(color, index) => `<circle cx="${20 + index * 20}" cy="18" r="6" fill="${color}"/>`,
	);
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
		`<title>${escaped(title)}</title>`,
		`<rect width="${width}" height="${height}" rx="10" fill="${BACK}"/>`,
		...dots,
		`<g font-family="${FONT}" font-size="14">`,
		...rows,
		"</g>",
		"</svg>",
		"",
	].join("\n");
}

/** The lines, each as words of one style. A line that is wider than the terminal goes on in the next, as it does there. */
function parse(output: string, columns: number): Run[][] {
	const lines: Run[][] = [];
	let style = PLAIN;
	for (const line of output.replaceAll("\r", "").trimEnd().split("\n")) {
		let runs: Run[] = [];
		let column = 0;
		lines.push(runs);
		// oxlint-disable-next-line no-control-regex -- the escape sequences of terminals
		for (const [, codes, letter, text = ""] of line.matchAll(/\u001B\[([0-9;?]*)([A-Za-z])|([^\u001B]+)/g)) {
			if (letter === "m") style = styled(style, codes ?? "");
			// Single spaces stay inside, so that sentences can be selected.
			for (const piece of text.split(/(\s{2,})/)) {
				let rest = Array.from(piece);
				while (rest.length > 0) {
					if (column === columns) {
						runs = [];
						column = 0;
						lines.push(runs);
					}
					const fitting = rest.slice(0, columns - column).join("");
					const shown = fitting.trim();
					const indent = cells(fitting) - cells(fitting.trimStart());
					if (shown !== "") runs.push({ ...style, column: column + indent, text: shown });
					column += cells(fitting);
					rest = rest.slice(cells(fitting));
				}
			}
		}
	}
	return lines;
}

function styled(style: Style, codes: string): Style {
	let next = style;
	for (const code of codes === "" ? [0] : codes.split(";").map(Number)) {
		if (code === 0) next = PLAIN;
		else if (code === 1) next = { ...next, isBold: true };
		else if (code === 2) next = { ...next, color: DIM };
		else if (code === 22) next = { ...next, isBold: false, color: next.color === DIM ? TEXT : next.color };
		else if (code === 39) next = { ...next, color: TEXT };
		else next = { ...next, color: COLORS[code] ?? next.color };
	}
	return next;
}

/** How many cells a text takes. The command prints no character that takes two. */
function cells(text: string): number {
	return Array.from(text).length;
}

function escaped(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
