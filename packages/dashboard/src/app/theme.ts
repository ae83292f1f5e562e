// Colours and sizes. Where Mantine's own colours fail WCAG AA, they have other values here.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const brand: MantineColorsTuple = [
	"#eef0ff",
	"#dcdffb",
	"#b9bef5",
	"#9aa1f2",
	"#7b83ec",
	"#6069e6",
	"#4c55dd",
	"#3f47c9",
	"#363db3",
	"#2b319b",
];
/** Filled red must carry white text. */
const red: MantineColorsTuple = [
	"#ffeded",
	"#fbdada",
	"#f1b4b4",
	"#ec8f8f",
	"#e46d6d",
	"#d94b4b",
	"#c92a2a",
	"#b42323",
	"#9f1f1f",
	"#861818",
];

/** The greys of dark colours: text first, backgrounds last. */
const dark: MantineColorsTuple = [
	"#e4e7ec",
	"#b7bec9",
	"#a3abb9",
	"#6b7382",
	"#444b58",
	"#383d48",
	"#1d2027",
	"#16181e",
	"#14161b",
	"#0f1115",
];

export const theme = createTheme({
	colors: { brand, red, dark },
	primaryColor: "brand",
	primaryShade: { light: 7, dark: 6 },
	autoContrast: true,
	defaultRadius: "md",
	cursorType: "pointer",
	respectReducedMotion: true,
	fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
	fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
	headings: { fontWeight: "600" },
	components: {
		Tooltip: { defaultProps: { openDelay: 300 } },
	},
});

export const colorVariables: CSSVariablesResolver = () => ({
	variables: {},
	light: {
		"--mantine-color-dimmed": "#5a6170",
		"--mantine-color-error": "#b42323",
		"--mantine-color-placeholder": "#6a7180",
		"--mantine-color-body": "#ffffff",
		"--mantine-color-text": "#191c22",
		"--mantine-color-anchor": "#363db3",
		"--mantine-color-default-border": "#d4d8df",
	},
	dark: {
		"--mantine-color-dimmed": "#a3abb9",
		"--mantine-color-error": "#ff9c9c",
		"--mantine-color-placeholder": "#8d95a3",
		"--mantine-color-body": "#14161b",
		"--mantine-color-text": "#e4e7ec",
		"--mantine-color-anchor": "#aab1f8",
		"--mantine-color-default": "#1d2027",
		"--mantine-color-default-border": "#383d48",
	},
});
