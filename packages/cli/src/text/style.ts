// Colours of the terminal, which NO_COLOR turns off, as does an output that is no terminal.
import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

/** The colours that a profile can have. */
export const COLORS = ["red", "green", "yellow", "blue", "magenta", "cyan", "gray"] as const;

/** One of them. */
export type Color = (typeof COLORS)[number];

/** Styles text for standard output. */
export function onStdout(format: Format, text: string): string {
	return styleText(format, text, { stream: process.stdout });
}

/** Styles text for standard error. */
export function onStderr(format: Format, text: string): string {
	return styleText(format, text, { stream: process.stderr });
}

/** The glyph and colour of each status: never the colour alone. */
const STATUSES: Readonly<Record<string, { readonly glyph: string; readonly format: Format }>> = {
	Succeeded: { glyph: "✓", format: "green" },
	Finished: { glyph: "✓", format: "green" },
	Healthy: { glyph: "✓", format: "green" },
	Enabled: { glyph: "✓", format: "green" },
	Pending: { glyph: "◷", format: "cyan" },
	Running: { glyph: "◷", format: "cyan" },
	Held: { glyph: "‖", format: "yellow" },
	Paused: { glyph: "‖", format: "yellow" },
	Failing: { glyph: "!", format: "yellow" },
	Failed: { glyph: "✗", format: "red" },
	Disabling: { glyph: "✗", format: "red" },
	Disabled: { glyph: "✗", format: "red" },
	Cancelled: { glyph: "–", format: "gray" },
};

/** A status with its glyph, in its colour. */
export function styledStatus(status: string): string {
	const { glyph, format } = STATUSES[status] ?? { glyph: "·", format: "gray" as const };
	return onStdout(format, `${glyph} ${status}`);
}
