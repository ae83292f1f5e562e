// Links between the screens of the portal. The router's types know the addresses of the page, so those of the portal are listed here.
import { Link, useNavigate, useParams, type LinkProps, type NavigateOptions } from "@tanstack/react-router";
import type { KeyboardEvent, ReactNode } from "react";

type Search = Readonly<Record<string, string | undefined>>;

interface Address {
	readonly to: "/" | "/add" | "/deliveries" | "/events" | "/endpoints/$webhookId" | "/deliveries/$deliveryId";
	readonly params?: Readonly<Record<string, string>>;
	readonly search?: Search;
}

interface ToProps extends Address {
	readonly className?: string;
	readonly children: ReactNode;
	/** Whether this is one of a few places, of which the current one is marked. */
	readonly isPlace?: boolean;
	/** Of a place: whether what is shown belongs to it. */
	readonly isWithin?: boolean;
	/** Whether the current place is marked also if the search differs. */
	readonly replace?: boolean;
	/** Whether nobody is asked about what they leave. */
	readonly ignoreBlocker?: boolean;
	readonly onKeyDown?: (event: KeyboardEvent<HTMLElement>) => void;
}

export function To({ to, params, search, isPlace = false, isWithin = false, ...rest }: ToProps) {
	const options = { to, params, search: search ?? {}, activeOptions: { exact: true, includeSearch: false } };
	return (
		<Link
			{...(options as unknown as LinkProps)}
			{...rest}
			aria-current={isWithin ? "true" : undefined}
			activeProps={isPlace ? { "aria-current": "page" } : { "aria-current": undefined }}
		/>
	);
}

interface Destination extends Omit<Address, "search"> {
	/** A function gets the one of the address that was chosen last, which may not be shown yet. */
	readonly search?: Search | ((former: Search) => Search);
}

/** Goes to another screen, when something is done: nobody is asked about what they leave. */
export function useGo(): (destination: Destination) => void {
	const navigate = useNavigate();
	return ({ to, params, search = {} }) =>
		void navigate({ to, params, search, ignoreBlocker: true } as unknown as NavigateOptions);
}

/** A part of the address, such as the id of what is shown. */
export function usePart(name: "webhookId" | "deliveryId"): string {
	const parts: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
	return parts[name] ?? "";
}
