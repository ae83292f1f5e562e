// What is around every screen: the places, whose webhooks these are, and whether the server answers.
import { Outlet, useMatches, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";

import { Icon } from "../parts/layout/icon.tsx";
import { Note } from "./parts/note.tsx";
import { To } from "./parts/to.tsx";
import { useChanges } from "./session/use-changes.ts";
import { useOpenSession } from "./session/use-session.ts";
import { useTexts } from "./texts/reader.tsx";

export function Shell() {
	const texts = useTexts();
	const { project, position, caller, isRenewing, isFramed } = useOpenSession();
	const isAway = useChanges(project, position);
	useFocusOnHeading();
	const within = usePlace();
	const { customerName = null, returnUrl = null } = caller.portalSession ?? {};
	return (
		<div className="portal">
			<a className="skip" href="#content">
				{texts.skip}
			</a>
			<div className="top">
				<nav aria-label={texts.title}>
					<ul className="places">
						<li>
							<To to="/" isPlace isWithin={within === "endpoints"}>
								<Icon name="webhooks" size={16} />
								{texts.endpoints}
							</To>
						</li>
						<li>
							<To to="/deliveries" isPlace isWithin={within === "deliveries"}>
								<Icon name="deliveries" size={16} />
								{texts.deliveries.title}
							</To>
						</li>
						<li>
							<To to="/events" isPlace>
								<Icon name="types" size={16} />
								{texts.eventTypes}
							</To>
						</li>
					</ul>
				</nav>
				<div className="top-rest">
					{customerName !== null && !isFramed && <span className="dim">{texts.of(customerName)}</span>}
					{returnUrl !== null && !isFramed && (
						<a className="link" href={returnUrl} rel="noreferrer">
							{texts.returnTo(new URL(returnUrl).host)}
						</a>
					)}
				</div>
			</div>
			{isRenewing && <Note tone="warn" title={texts.ended.renewing} role="status" />}
			{isAway && !isRenewing && <Note tone="warn" title={texts.problem.away} role="status" />}
			<main id="content" tabIndex={-1}>
				<Outlet />
				{caller.capabilities?.length === 0 && <p className="dim small">{texts.readOnly}</p>}
			</main>
		</div>
	);
}

/** The place that a screen under it belongs to; null on the screens of the places themselves. */
function usePlace(): "endpoints" | "deliveries" | null {
	const shown = useMatches().at(-1);
	const { from }: { readonly from?: string } = shown?.search ?? {};
	if (String(shown?.routeId) === "/deliveries/$deliveryId") return from === "all" ? "deliveries" : "endpoints";
	return /^\/(endpoints\/|add$)/.test(String(shown?.routeId)) ? "endpoints" : null;
}

/** Readers of screens and users of the keyboard go on at the top of the new screen. */
function useFocusOnHeading(): void {
	const router = useRouter();
	useEffect(
		() =>
			router.subscribe("onRendered", ({ fromLocation, pathChanged }) => {
				if (fromLocation !== undefined && pathChanged) document.querySelector("h1")?.focus();
			}),
		[router],
	);
}
