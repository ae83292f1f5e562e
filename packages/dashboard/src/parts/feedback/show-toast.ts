// Shows a short message about what was done. They are in the query cache.
import type { QueryClient } from "@tanstack/react-query";

import { callerIdOf, type Origin } from "./origin.ts";

const SHOWN_MS = 6_000;
export const toastsKey = ["toasts"] as const;

export interface Toast {
	readonly id: string;
	readonly text: string;
	/** Null if it is for anybody. */
	readonly origin: Origin | null;
}

/** For code that is no component. Only whoever it comes from sees it. */
export function showToast(queryClient: QueryClient, text: string, origin: Origin | null = null): void {
	if (origin !== null && origin.callerId !== callerIdOf(queryClient)) return;
	const toast = { id: `${Date.now()} ${Math.random()}`, text, origin };
	const change = (map: (toasts: readonly Toast[]) => readonly Toast[]) =>
		queryClient.setQueryData<readonly Toast[]>(toastsKey, (toasts = []) => map(toasts));
	change((toasts) => [...toasts, toast]);
	const hideLater = () => setTimeout(() => change((toasts) => toasts.filter(({ id }) => id !== toast.id)), SHOWN_MS);
	// In a tab that nobody sees, it waits until somebody does.
	if (document.visibilityState === "visible") hideLater();
	else document.addEventListener("visibilitychange", hideLater, { once: true });
}
