// The icons: lines on a grid of 24, drawn here so that a library of thousands is not installed for twenty.
const PATHS = {
	overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-4H4zM14 8h6V4h-6z",
	webhooks:
		"M9 7.500a3 3 0 1 1 4.500 2.600L16 15M16 15a3 3 0 1 1-1 4.500M13 18H8.500M8.500 18A3 3 0 1 1 6 15.500M7.500 15 10 10",
	deliveries: "M4 5h16v14H4zM4 6l8 7 8-7",
	inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1 2.500h4l1-2.500h5",
	events: "M13 3 5 14h6l-1 7 8-11h-6z",
	search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14M16 16l4.500 4.500",
	sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500 19 19M5 19l1.500-1.500M17.500 6.500 19 5",
	moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
	menu: "M4 7h16M4 12h16M4 17h16",
	copy: "M9 9h11v11H9zM5 15H4V4h11v1",
	check: "M4 12.500l5 5L20 6.500",
	cross: "M6 6l12 12M18 6 6 18",
	plus: "M12 5v14M5 12h14",
	pause: "M8 5v14M16 5v14",
	play: "M7 4.500v15l12-7.500z",
	retry: "M20 11a8 8 0 1 0-2 6.500M20 5v6h-6",
	back: "M14 6l-6 6 6 6",
	forward: "M10 6l6 6-6 6",
	down: "M6 9.500l6 6 6-6",
	clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16M12 8v4.500l3 2",
	alert: "M12 4 2.500 20h19zM12 10v4.500M12 17v.500",
	stop: "M8 4h8l4 4v8l-4 4H8l-4-4V8zM9 9l6 6M15 9l-6 6",
	more: "M5.500 12h.010M12 12h.010M18.500 12h.010",
	user: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8M4.500 20c1-4 4-5.500 7.500-5.500s6.500 1.500 7.500 5.500",
	help: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18M9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.700.300-1 .800-1 1.700M12 16.500v.500",
	key: "M15 4a5 5 0 1 1-4.500 7.200L4 17.500V20h3v-2h2v-2h2l1.500-1.500M16 8.500v.010",
	types: "M5 4h10l4 4v12H5zM9 11h6M9 15h6M14 4v5h5",
	settings:
		"M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5M9 14.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5",
	system: "M4 5h16v6H4zM4 13h16v6H4zM7.500 8v.010M7.500 16v.010",
	send: "M21 3 10 14M21 3l-7 18-4-7-7-4z",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside a text that says the same, so it has no name of its own. */
export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
	return (
		<svg
			width={size}
			height={size}
			viewBox="0 0 24 24"
			fill="none"
			stroke="currentColor"
			strokeWidth={name === "more" ? 3 : 1.8}
			strokeLinecap="round"
			strokeLinejoin="round"
			aria-hidden
			focusable={false}
		>
			<path d={PATHS[name]} />
		</svg>
	);
}
