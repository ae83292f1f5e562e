// Gives the focus back to what opened a dialog.
import { useEffect, useLayoutEffect, useRef } from "react";

interface FocusBackOptions {
	/** Whether an address may have opened it, so that nothing had the focus before: then the title of the screen gets it. */
	readonly isInAddress?: boolean;
}

/**
 * When the dialog is closed or taken away, what had the focus before gets it again: the button that opened it, or that of the menu. Otherwise
 * whoever uses the keyboard would begin anew at the top of the page. Mantine does this only for a dialog that stays when it is closed, and that
 * no menu has opened.
 */
export function useFocusBack(isOpen: boolean, { isInAddress = false }: FocusBackOptions = {}): void {
	/** What had the focus last while it was closed: a menu may be gone before the dialog is there. */
	const last = useRef<HTMLElement | null>(null);
	useEffect(() => {
		if (isOpen) return;
		const onFocus = ({ target }: FocusEvent) => (last.current = target instanceof Element ? openerOf(target) : null);
		document.addEventListener("focusin", onFocus);
		return () => document.removeEventListener("focusin", onFocus);
	}, [isOpen]);
	useLayoutEffect(() => {
		if (!isOpen) return;
		// Somebody has left that long ago, or the keys would write into it now.
		const former = last.current?.isConnected === true && isTextField(last.current) ? null : last.current;
		const opener = openerOf(document.activeElement) ?? former;
		return () => {
			const { activeElement } = document;
			// Somebody may have gone on already, for example to another screen.
			const isInside = activeElement === document.body || activeElement?.closest("[role=dialog]") !== null;
			if (!isInside) return;
			if (opener === null) {
				if (isInAddress) focus(document.querySelector("#content h1"));
				return;
			}
			// The opener may have left with what was changed, such as its row.
			focus(opener.isConnected ? opener : document.querySelector("#content"));
		};
	}, [isOpen, isInAddress]);
}

function focus(element: HTMLElement | null): void {
	element?.focus({ preventScroll: true });
}

function isTextField(element: HTMLElement): boolean {
	return element.matches("input:not([type=checkbox]), textarea");
}

/** What has the focus, or the button of the menu that it is in; null if nothing has it. */
function openerOf(element: Element | null): HTMLElement | null {
	const menu = element?.closest("[role=menu]") ?? null;
	const opener = menu === null ? element : document.getElementById(menu.getAttribute("aria-labelledby") ?? "");
	return opener instanceof HTMLElement && opener !== document.body ? opener : null;
}
