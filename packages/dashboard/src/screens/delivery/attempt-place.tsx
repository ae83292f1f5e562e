// Where one attempt of a delivery is shown: the address names it, beside the list and on the screen of the delivery.
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { filterPart, type DeliveriesSearch } from "../../app/search.ts";
import { useProject } from "../../session/caller.ts";

/** A delivery as it is shown. */
export interface AttemptPlace {
	readonly deliveryId: string;
	/** What the address has. It has `open` if the delivery is beside the list. */
	readonly search: DeliveriesSearch;
}

/** An attempt by its number; undefined for the newest one, also when another one is made. */
type AttemptName = string | undefined;

function named(attempt: AttemptName): { readonly attempt?: string } {
	return attempt === undefined ? {} : { attempt };
}

/**
 * Returns the function that shows an attempt. On the screen of the delivery, one step back leads to the one before it; beside the list it
 * leads to the list, as after looking at other deliveries.
 */
export function useShowAttempt({ deliveryId, search }: AttemptPlace): (attempt: AttemptName) => void {
	const { id: projectId } = useProject();
	const navigate = useNavigate();
	const { open } = search;
	const filter = filterPart(search);
	return (attempt) => {
		if (open === undefined) {
			void navigate({
				to: "/$projectId/deliveries/$deliveryId",
				params: { projectId, deliveryId },
				search: { ...filter, ...named(attempt) },
				resetScroll: false,
			});
		} else {
			void navigate({
				to: "/$projectId/deliveries",
				params: { projectId },
				search: { ...filter, open, ...named(attempt) },
				replace: true,
				resetScroll: false,
			});
		}
	};
}

interface AttemptLinkProps {
	readonly place: AttemptPlace;
	readonly attempt: AttemptName;
	readonly className: string;
	readonly isShown: boolean;
	readonly children: ReactNode;
}

export function AttemptLink({ place, attempt, isShown, children, className }: AttemptLinkProps) {
	const { id: projectId } = useProject();
	const { deliveryId, search } = place;
	const { open } = search;
	const filter = filterPart(search);
	const options = {
		className,
		resetScroll: false,
		// The address of the newest one is the beginning of that of each other one, and may also name it by its number.
		activeOptions: { exact: true },
		"aria-current": isShown ? "page" : undefined,
	} as const;
	return open === undefined ? (
		<Link
			{...options}
			to="/$projectId/deliveries/$deliveryId"
			params={{ projectId, deliveryId }}
			search={{ ...filter, ...named(attempt) }}
		>
			{children}
		</Link>
	) : (
		<Link
			{...options}
			replace
			to="/$projectId/deliveries"
			params={{ projectId }}
			search={{ ...filter, open, ...named(attempt) }}
		>
			{children}
		</Link>
	);
}
