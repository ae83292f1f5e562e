// The look of the portal: values by a strict grammar, so that none of them can be more than a colour, a size or a name.

export const COLOR_SCHEMES = ["light", "dark", "auto"] as const;

/** Values that differ from the portal's own look; null for each that does not. */
export interface PortalTheme {
	/** The colour of buttons and links: `#rgb` or `#rrggbb`. */
	readonly accent: string | null;
	/** The colour behind everything: `#rgb` or `#rrggbb`. */
	readonly background: string | null;
	/** The rounding of corners, in pixels. */
	readonly radius: number | null;
	/** The name of a font family. */
	readonly font: string | null;
	readonly scheme: (typeof COLOR_SCHEMES)[number] | null;
}

export const COLOR_PATTERN = /^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/;
/** Words of letters, digits and hyphens, with single spaces between them: nothing that ends a value of CSS. */
export const FONT_PATTERN = /^[A-Za-z][A-Za-z0-9-]*(?: [A-Za-z0-9-]+)*$/;
export const FONT_MAX_LENGTH = 64;
export const RADIUS_PX = { min: 0, max: 32 } as const;
