// Whether a dialog or a screen is still shown when a call is answered.
import { useLayoutEffect, useRef } from "react";

/** Returns a function that says it at any time, also when the component is gone. */
export function useIsShown(isOpen = true): () => boolean {
	const shown = useRef(false);
	// As soon as it has left the document: other effects end a little later, when an answer may have come.
	useLayoutEffect(() => {
		shown.current = isOpen;
		return () => {
			shown.current = false;
		};
	}, [isOpen]);
	return () => shown.current;
}
