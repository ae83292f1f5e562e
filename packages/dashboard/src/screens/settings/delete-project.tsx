// Deletes a project after its name was typed.
import { Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { counted } from "../../parts/text/format.ts";
import { useConnection, useProject } from "../../session/caller.ts";
import { countedWebhooks } from "../webhooks/found.ts";
import { useRecentWebhooks } from "../webhooks/newest.ts";
import type { ProjectSettings } from "./project-query.ts";

export function DeleteProject({ settings: { id, name } }: { readonly settings: ProjectSettings }) {
	const connection = useConnection();
	const project = useProject();
	const queryClient = useQueryClient();
	const navigate = useNavigate();
	/** Somebody may have gone to another project meanwhile. */
	const isHere = useIsShown();
	const [isAsked, asked] = useDisclosure(false);
	const [typed, setTyped] = useState("");
	const { data: found } = useRecentWebhooks(isAsked);
	const stats = useQuery({
		queryKey: ["project", id, "stats", "now"],
		queryFn: ({ signal }) => project.stats({}, { signal }),
		enabled: isAsked,
	});
	const remove = useCall({
		mutationFn: (projectId: string) => connection.client.projects.delete(projectId),
		onSuccess: async (_, __, tell) => {
			tell(`Deleted ${name}`);
			await queryClient.invalidateQueries({ queryKey: ["projects"] });
			if (isHere()) await navigate({ to: "/" });
			queryClient.removeQueries({ queryKey: ["project", id] });
		},
	});
	const waiting = stats.data === undefined ? 0 : stats.data.deliveries.Pending + stats.data.deliveries.Held;
	return (
		<section className="card card-pad stack danger" aria-label="Danger zone">
			<h2 className="card-title">Delete the project</h2>
			<p className="flat">Its webhooks and keys end with it, and its log is deleted. Nothing can bring it back.</p>
			<div className="bar">
				<Button color="red" variant="outline" onClick={asked.open}>
					Delete {name}…
				</Button>
			</div>
			<Confirm
				isOpen={isAsked}
				title="Delete the project?"
				verb={`Delete ${name}`}
				isDangerous
				isBusy={remove.isPending}
				isBlocked={typed.trim() !== name.trim()}
				error={remove.error}
				failed={`${name} was not deleted`}
				onConfirm={() => remove.mutateAsync(id)}
				onClose={asked.close}
			>
				<div className="stack tight">
					<p className="flat">
						{found !== undefined &&
							`${countedWebhooks(found.webhooks.length, found.isWhole)} and the keys of this project are deleted. `}
						{waiting > 0 && `${counted(waiting, "waiting delivery", "waiting deliveries")} will be cancelled. `}
						Events, deliveries and responses are deleted, too.
					</p>
					<TextInput
						label={`Type ${name} to confirm`}
						data-autofocus
						autoComplete="off"
						value={typed}
						onChange={({ currentTarget }) => setTyped(currentTarget.value)}
					/>
				</div>
			</Confirm>
		</section>
	);
}
