// The portal as a React component: a thin cover of <fanfare-portal>.
"use client";
import { createElement, useEffect, useRef, type CSSProperties, type ReactElement } from "react";

import type { FanfarePortalElement, PortalOptions } from "./index.ts";
import "./index.ts";

/** The properties of the component: the options of the element, and what every element can have. */
export interface FanfarePortalProps extends Readonly<PortalOptions> {
	readonly title?: string | undefined;
	readonly className?: string | undefined;
	readonly style?: CSSProperties | undefined;
}

/**
 * Shows the portal.
 *
 * @example
 * <FanfarePortal src="https://fanfare.example.com" onExpired={fetchToken} theme={{ accent: "#0a7d55" }} />
 */
export function FanfarePortal({ title, className, style, ...options }: FanfarePortalProps): ReactElement {
	const element = useRef<FanfarePortalElement>(null);
	const { onExpired, src, url, token, theme, locale, timeZone } = options;
	// As properties, since React before 19 makes everything an attribute; `onExpired` first, since the others may need it.
	useEffect(() => {
		if (element.current) Object.assign(element.current, { onExpired, theme, locale, timeZone, src, url, token });
	});
	return createElement("fanfare-portal", { ref: element, title, class: className, style });
}
