// Writes the look into the variables that the styles use. No value gets there unchecked.
import { luminance, mix, readable, type Look } from "./look.ts";

const ACCENT = "#3f47c9";
const CANVAS = { light: "#ffffff", dark: "#14161b" } as const;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const GENERIC = new Set(["serif", "sans-serif", "monospace", "system-ui", "ui-sans-serif", "ui-serif", "ui-rounded"]);
const DARK = "(prefers-color-scheme: dark)";

/** Applies a look to the document, and again when the device changes between light and dark. Returns what ends that. */
export function applyLook(look: Look): () => void {
	const device = matchMedia(DARK);
	const apply = () => write(look, schemeOf(look, device.matches));
	apply();
	device.addEventListener("change", apply);
	return () => device.removeEventListener("change", apply);
}

/** A background says by itself whether text on it must be light or dark. */
function schemeOf({ scheme, background }: Look, deviceIsDark: boolean): "light" | "dark" {
	if (background !== undefined) return luminance(background) < 0.18 ? "dark" : "light";
	if (scheme === "light" || scheme === "dark") return scheme;
	return deviceIsDark ? "dark" : "light";
}

function write({ accent = ACCENT, background, radius = 8, font }: Look, scheme: "light" | "dark"): void {
	const canvas = background ?? CANVAS[scheme];
	const ink = scheme === "dark" ? "#ffffff" : "#000000";
	const [surface, raised, hover] = [
		mix(canvas, ink, scheme === "dark" ? 0.03 : 0),
		mix(canvas, ink, 0.035),
		mix(canvas, ink, 0.06),
	];
	const text = readable(mix(canvas, ink, 0.9), [raised], 9);
	const onAccent = luminance(accent) > 0.3 ? "#000000" : "#ffffff";
	const link = readable(accent, [canvas, surface, raised, hover]);
	const { style, dataset } = document.documentElement;
	dataset["scheme"] = scheme;
	style.colorScheme = scheme;
	const values = {
		canvas,
		surface,
		raised,
		hover,
		line: mix(canvas, ink, 0.12),
		"line-strong": mix(canvas, ink, 0.45),
		text,
		dim: readable(mix(canvas, ink, 0.6), [canvas, raised, hover]),
		accent: link,
		// A filled button: its text must be read on it, also while the pointer is over it.
		fill: readable(accent, [onAccent]),
		"on-fill": onAccent,
		radius: `${radius}px`,
		font: font === undefined ? FONT : fontList(font),
	};
	for (const [name, value] of Object.entries(values)) style.setProperty(`--pt-${name}`, value);
}

/** The names in quotes, so that each is nothing but a name; then the portal's own. */
function fontList(font: string): string {
	const names = font
		.split(",")
		.map((name) => name.trim())
		.filter((name) => name !== "");
	return [...names.map((name) => (GENERIC.has(name) ? name : `"${name}"`)), FONT].join(", ");
}
