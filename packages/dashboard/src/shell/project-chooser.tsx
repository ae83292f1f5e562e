// The project that is shown, and the others that the key opens.
import { Button, Menu, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Bone } from "../parts/feedback/skeletons.tsx";
import { Icon } from "../parts/layout/icon.tsx";
import { projectsQuery, useConnection } from "../session/caller.ts";

/** With more projects than this, they are searched; the first ones that match are shown. */
const SHOWN = 12;

export function ProjectChooser({ projectId }: { readonly projectId: string }) {
	const { data: projects = [], isPending } = useQuery(projectsQuery(useConnection()));
	const navigate = useNavigate();
	const [text, setText] = useState("");
	const current = projects.find(({ id }) => id === projectId);
	const found = projects.filter(({ id, name }) => `${name} ${id}`.toLowerCase().includes(text.toLowerCase()));
	return (
		<Menu position="bottom-start" width="18rem" onClose={() => setText("")}>
			<Menu.Target>
				<Button
					variant="subtle"
					color="gray"
					size="compact-md"
					className="chooser"
					aria-label={`Project: ${current?.name ?? projectId}`}
					rightSection={<Icon name="down" size={14} />}
				>
					{isPending ? <Bone width="7rem" /> : <span className="cut">{current?.name ?? projectId}</span>}
				</Button>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Label>Projects</Menu.Label>
				{projects.length > SHOWN && (
					<TextInput
						size="xs"
						mb="xs"
						aria-label="Search projects"
						placeholder="Search projects"
						value={text}
						onChange={({ currentTarget }) => setText(currentTarget.value)}
					/>
				)}
				{found.slice(0, SHOWN).map(({ id, name }) => (
					<Menu.Item
						key={id}
						onClick={() => void navigate({ to: "/$projectId", params: { projectId: id } })}
						rightSection={id === projectId ? <Icon name="check" size={14} /> : undefined}
					>
						{name}
					</Menu.Item>
				))}
				{found.length > SHOWN && <Menu.Label>{found.length - SHOWN} more match</Menu.Label>}
			</Menu.Dropdown>
		</Menu>
	);
}
