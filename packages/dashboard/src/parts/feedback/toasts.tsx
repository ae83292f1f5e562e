// Short messages about what was done, in a corner for some seconds and read out by screen readers. They are in the query cache.
import { skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

const SHOWN_MS = 6_000;
const KEY = ["toasts"] as const;

interface Toast {
	readonly id: string;
	readonly text: string;
}

/** Returns the function that shows a message. */
export function useToast(): (text: string) => void {
	const queryClient = useQueryClient();
	return (text) => showToast(queryClient, text);
}

/** For code that is no component. */
export function showToast(queryClient: QueryClient, text: string): void {
	const toast = { id: `${Date.now()} ${Math.random()}`, text };
	const change = (map: (toasts: readonly Toast[]) => readonly Toast[]) =>
		queryClient.setQueryData<readonly Toast[]>(KEY, (toasts = []) => map(toasts));
	change((toasts) => [...toasts, toast]);
	const hideLater = () => setTimeout(() => change((toasts) => toasts.filter(({ id }) => id !== toast.id)), SHOWN_MS);
	// In a tab that nobody sees, it waits until somebody does.
	if (document.visibilityState === "visible") hideLater();
	else document.addEventListener("visibilitychange", hideLater, { once: true });
}

export function Toasts() {
	const { data = [] } = useQuery<readonly Toast[]>({
		queryKey: KEY,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return (
		<div className="toasts" role="status" aria-live="polite">
			{data.map(({ id, text }) => (
				<div key={id} className="toast">
					{text}
				</div>
			))}
		</div>
	);
}
