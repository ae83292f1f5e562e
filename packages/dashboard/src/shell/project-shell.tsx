// The frame around every screen of a project: navigation, project chooser, top bar, and the live feed.
import { ActionIcon } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useParams, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";

import { useLiveItems } from "../live/use-live.ts";
import { Dialog } from "../parts/layout/dialog.tsx";
import { Icon } from "../parts/layout/icon.tsx";
import { Logo } from "../parts/layout/logo.tsx";
import { useFreshWebhookNames } from "../screens/webhooks/names.ts";
import { AccountMenu } from "./account-menu.tsx";
import { AwayBanner } from "./away-banner.tsx";
import { LiveSign } from "./live-sign.tsx";
import { useScreens } from "./navigation.ts";
import { Palette, PaletteButton } from "./palette.tsx";
import { ProjectChooser } from "./project-chooser.tsx";
import { ReadOnlySign } from "./read-only-sign.tsx";
import { SchemeToggle, ZoneToggle } from "./reader-choices.tsx";
import { ShortcutHelp } from "./shortcuts/shortcut-help.tsx";
import { useShellShortcuts } from "./shortcuts/use-shell-shortcuts.ts";

export function ProjectShell() {
	const { projectId } = useParams({ from: "/$projectId" });
	const [isMenuOpen, menu] = useDisclosure(false);
	const [isPaletteOpen, palette] = useDisclosure(false);
	const [isHelpOpen, help] = useDisclosure(false);
	const pathname = useRouterState({ select: ({ location }) => location.pathname });
	useEffect(() => menu.close(), [pathname]);
	useFocusOnHeading();
	useShellShortcuts(projectId, { onPalette: palette.open, onHelp: help.open });
	// Keeps the feed open while the project is shown; it changes the query cache by itself.
	useLiveItems(projectId, () => {});
	useFreshWebhookNames(projectId);
	return (
		<div className="shell">
			<a className="skip" href="#content">
				Skip to the content
			</a>
			<nav className="side" aria-label="Main">
				<Link className="brand" to="/$projectId" params={{ projectId }}>
					<Logo /> Fanfare
				</Link>
				<Navigation projectId={projectId} />
			</nav>
			<Dialog side="left" isOpen={isMenuOpen} onClose={menu.close} title="Fanfare" width="16rem">
				<nav aria-label="Main">
					<Navigation projectId={projectId} />
				</nav>
			</Dialog>
			<div>
				<AwayBanner />
				<section className="top" aria-label="Tools">
					<span className="only-narrow">
						<ActionIcon variant="subtle" color="gray" aria-label="Open the navigation" onClick={menu.open}>
							<Icon name="menu" />
						</ActionIcon>
					</span>
					<ProjectChooser projectId={projectId} />
					<span className="top-rest" />
					<ReadOnlySign />
					<LiveSign projectId={projectId} />
					<PaletteButton onOpen={palette.open} />
					<ZoneToggle />
					<SchemeToggle />
					<AccountMenu onHelp={help.open} />
				</section>
				<main id="content" className="content" tabIndex={-1}>
					<Outlet />
				</main>
			</div>
			<Palette projectId={projectId} isOpen={isPaletteOpen} onClose={palette.close} />
			<ShortcutHelp isOpen={isHelpOpen} onClose={help.close} />
		</div>
	);
}

/** Where what had the focus has left with its screen, the keyboard and readers of screens go on at the title of the new one. */
function useFocusOnHeading(): void {
	const router = useRouter();
	useEffect(
		() =>
			router.subscribe("onRendered", ({ fromLocation, pathChanged }) => {
				if (fromLocation === undefined || !pathChanged || document.activeElement !== document.body) return;
				document.querySelector<HTMLElement>("#content h1")?.focus({ preventScroll: true });
			}),
		[router],
	);
}

function Navigation({ projectId }: { readonly projectId: string }) {
	const screens = useScreens();
	return (
		<ul className="nav">
			{screens.map(({ to, title, icon }) => (
				<li key={to}>
					<Link to={to} params={{ projectId }} activeOptions={{ exact: to === "/$projectId", includeSearch: false }}>
						<Icon name={icon} /> {title}
					</Link>
				</li>
			))}
		</ul>
	);
}
