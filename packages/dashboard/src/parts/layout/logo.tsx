// The mark of Fanfare.
export function Logo({ size = 26 }: { readonly size?: number }) {
	return (
		<svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable={false}>
			<rect width="32" height="32" rx="8" fill="#3f47c9" />
			<path d="M8 13.500h5L23 8v16l-10-5.500H8z" fill="#fff" />
			<path d="M10.500 19.500 12 25h3l-1.300-5" fill="none" stroke="#fff" strokeWidth="2" strokeLinejoin="round" />
		</svg>
	);
}
