// The look of the portal as the host wants it. Every value is checked, so that none can be anything but a colour, a size or a font.

export interface Look {
	readonly accent?: string;
	readonly background?: string;
	/** In pixels. */
	readonly radius?: number;
	readonly font?: string;
	readonly scheme?: "light" | "dark" | "auto";
}

const HEX = /^#([\da-f]{3}|[\da-f]{6})$/i;
const RGB = /^rgb\(\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*[,\s]\s*(\d{1,3})\s*\)$/i;
/** Names of fonts with commas between them, and no brackets, quotes, slashes or semicolons: no `url()` and no other rule. */
const FONT = /^[\p{L}\d][\p{L}\d ,._-]{0,199}$/u;
const MOST_PIXELS = 32;

/** The values that are right; the others are left out, as if they were not given. */
export function checkLook(value: unknown): Look {
	if (typeof value !== "object" || value === null) return {};
	const { accent, background, radius, font, scheme } = value as Record<string, unknown>;
	const colors = { accent: checkColor(accent), background: checkColor(background) };
	return {
		...(colors.accent !== null && { accent: colors.accent }),
		...(colors.background !== null && { background: colors.background }),
		...(typeof radius === "number" && radius >= 0 && radius <= MOST_PIXELS && { radius }),
		...(typeof font === "string" && FONT.test(font.trim()) && { font: font.trim() }),
		...((scheme === "light" || scheme === "dark" || scheme === "auto") && { scheme }),
	};
}

/** A colour as `#rrggbb`; null if it is none. */
function checkColor(value: unknown): string | null {
	if (typeof value !== "string") return null;
	const text = value.trim();
	const [, hex] = HEX.exec(text) ?? [];
	if (hex !== undefined) {
		return `#${hex.length === 3 ? hex.replaceAll(/./g, "$&$&") : hex}`.toLowerCase();
	}
	const [, ...parts] = RGB.exec(text) ?? [];
	if (parts.length !== 3 || parts.some((part) => Number(part) > 255)) return null;
	return toHex(parts.map(Number));
}

/** How light a colour is, from 0 to 1, as WCAG defines it. */
export function luminance(color: string): number {
	const [red, green, blue] = channels(color).map((channel) => {
		const part = channel / 255;
		return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

/** The contrast of two colours, from 1 to 21. */
export function contrast(one: string, other: string): number {
	const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
	return (light + 0.05) / (dark + 0.05);
}

/** The colour, made darker or lighter as far as text of it needs to be read on all of these backgrounds. */
export function readable(color: string, backgrounds: readonly string[], least = 4.6): string {
	const isDark = backgrounds.every((background) => luminance(background) < 0.18);
	for (let part = 0; part < 1; part += 0.05) {
		const mixed = mix(color, isDark ? "#ffffff" : "#000000", part);
		if (backgrounds.every((background) => contrast(mixed, background) >= least)) return mixed;
	}
	return isDark ? "#ffffff" : "#000000";
}

/** `part` of the second colour in the first. */
export function mix(color: string, other: string, part: number): string {
	const [from, to] = [channels(color), channels(other)];
	return toHex(from.map((channel, index) => Math.round(channel + ((to[index] ?? 0) - channel) * part)));
}

function channels(color: string): number[] {
	return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

function toHex(parts: readonly number[]): string {
	return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
