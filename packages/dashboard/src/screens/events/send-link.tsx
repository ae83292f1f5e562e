// The way to the form that sends an event: a link that looks like a button, so that it opens in a new tab, too.
import { Button } from "@mantine/core";
import { createLink } from "@tanstack/react-router";

import { Icon } from "../../parts/layout/icon.tsx";
import { useProject } from "../../session/caller.ts";
import type { SendSearch } from "./search.ts";

const ButtonLink = createLink(Button<"a">);

export function SendLink({
	search,
	children = "Send an event",
}: {
	readonly search: SendSearch;
	readonly children?: string;
}) {
	const { id } = useProject();
	return (
		<ButtonLink
			component="a"
			to="/$projectId/events/send"
			params={{ projectId: id }}
			search={search}
			leftSection={<Icon name="send" size={16} />}
		>
			{children}
		</ButtonLink>
	);
}
