// A part of a screen whose code is a file of its own, so that the screen is there before it: a form that is opened later, or a tab.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, type ComponentType, type ReactNode } from "react";

import { Problem } from "../feedback/problem.tsx";
import { Loading } from "../feedback/skeletons.tsx";

const REASON = "The server may be away. If it was updated while this tab was open, reload the page.";

/** The parts of all screens whose code is there. */
const loads = new Set<() => Promise<unknown>>();

/** Loads the parts of all screens that are loaded, so that showing one needs no server. A failure shows when the part is wanted. */
export function loadParts(): void {
	for (const load of loads) void load().catch(() => {});
}

/** What `useQuery` takes: it loads the code, and keeps it. */
export interface LazyPart<Props> {
	readonly queryKey: readonly ["part", string];
	readonly queryFn: () => Promise<ComponentType<Props>>;
	readonly staleTime: number;
	readonly gcTime: number;
}

/**
 * @example
 * const checker = lazyPart("checker", async () => (await import("./checker.tsx")).Checker);
 * // Where it is wanted soon, so that nobody waits for it:
 * useQuery(checker);
 * // Where it is wanted:
 * <Part of={checker} props={{ webhook }} label="the checker"><FormShape fields={3} /></Part>
 */
export function lazyPart<Props>(name: string, load: () => Promise<ComponentType<Props>>): LazyPart<Props> {
	loads.add(load);
	return { queryKey: ["part", name], queryFn: load, staleTime: Infinity, gcTime: Infinity };
}

interface PartProps<Props> {
	readonly of: LazyPart<Props>;
	readonly props: Props;
	/** What is loading, for screen readers and in errors, such as `the form`. */
	readonly label: string;
	/** Its shape, shown until it is there. */
	readonly children: ReactNode;
}

export function Part<Props extends object>({ of, props, label, children }: PartProps<Props>) {
	const { data: Body, error, refetch } = useQuery(of);
	const shape = useRef<HTMLDivElement>(null);
	/** The dialog in which its shape was shown. */
	const dialog = useRef<Element | null>(null);
	useEffect(() => {
		if (Body === undefined) dialog.current = shape.current?.closest("[role=dialog]") ?? dialog.current;
		// A dialog gives the focus to its first field when it opens, and that was not there yet.
		else if (dialog.current !== null && isIdle(dialog.current)) {
			dialog.current.querySelector<HTMLElement>("[data-autofocus]")?.focus();
		}
	}, [Body]);
	if (Body !== undefined) return <Body {...props} />;
	if (error !== null) {
		const what = `${capitalized(label)} could not be loaded`;
		return <Problem error={error} what={what} reason={REASON} onRetry={refetch} />;
	}
	return (
		<div ref={shape}>
			<Loading label={label}>{children}</Loading>
		</div>
	);
}

/** Whether nobody has gone to anything in the dialog, or on top of it. Its head has the focus as long as there is no field. */
function isIdle(dialog: Element): boolean {
	const { activeElement } = document;
	if (activeElement === document.body || activeElement === dialog) return true;
	return dialog.contains(activeElement) && activeElement?.closest(".dialog-head") !== null;
}

function capitalized(words: string): string {
	return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
