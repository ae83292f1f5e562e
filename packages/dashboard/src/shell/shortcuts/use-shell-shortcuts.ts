// The shortcuts that every screen of a project has.
import { useNavigate } from "@tanstack/react-router";
import { useEffectEvent, useLayoutEffect } from "react";

import { hasDialogOnTop } from "../../parts/layout/dialog.tsx";
import { useZone } from "../../parts/text/zone.ts";
import { useScreens } from "../navigation.ts";
import { useShortcuts } from "./use-shortcuts.ts";

interface Actions {
	readonly onPalette: () => void;
	readonly onHelp: () => void;
}

export function useShellShortcuts(projectId: string, { onPalette, onHelp }: Actions): void {
	const navigate = useNavigate();
	const screens = useScreens();
	const [zone, setZone] = useZone();
	useShortcuts({
		...Object.fromEntries(
			screens.map(({ to, key }) => [`g ${key}`, () => void navigate({ to, params: { projectId } })]),
		),
		"?": onHelp,
		"/": () =>
			[...document.querySelectorAll<HTMLElement>("[data-filter]")].find((field) => field.checkVisibility())?.focus(),
		u: () => setZone(zone === "utc" ? "local" : "utc"),
	});
	const open = useEffectEvent(onPalette);
	useLayoutEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
			event.preventDefault();
			// Under a dialog that is on top of all others, nobody would see what is typed.
			if (!hasDialogOnTop()) open();
		};
		document.addEventListener("keydown", onKey);
		return () => document.removeEventListener("keydown", onKey);
	}, []);
}
