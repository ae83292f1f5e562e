// A part of a screen whose code is a file of its own, so that the screen is there before it: a form that is opened later, or a tab.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, type ComponentType, type ReactNode } from "react";

import { Problem } from "../feedback/problem.tsx";
import { Loading } from "../feedback/skeletons.tsx";

const REASON = "The server may be away. If it was updated while this tab was open, reload the page.";

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
	const isLate = useRef(false);
	useEffect(() => {
		if (Body === undefined) isLate.current = true;
		// A dialog gives the focus to its first field when it opens, and that was not there yet.
		else if (isLate.current) document.querySelector<HTMLElement>("[role=dialog] [data-autofocus]")?.focus();
	}, [Body]);
	if (Body !== undefined) return <Body {...props} />;
	if (error !== null) {
		const what = `${capitalized(label)} could not be loaded`;
		return <Problem error={error} what={what} reason={REASON} onRetry={refetch} />;
	}
	return <Loading label={label}>{children}</Loading>;
}

function capitalized(words: string): string {
	return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
