// What a reader chooses for themselves: colours and time zone.
import { ActionIcon, Button, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";

import { Icon } from "../parts/layout/icon.tsx";
import { useZone, zoneName } from "../parts/text/zone.ts";

export function SchemeToggle() {
	const { setColorScheme } = useMantineColorScheme();
	const other = useComputedColorScheme("light") === "dark" ? "light" : "dark";
	const label = other === "dark" ? "Use dark colours" : "Use light colours";
	return (
		<Tooltip label={label}>
			<ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => setColorScheme(other)}>
				<Icon name={other === "dark" ? "moon" : "sun"} />
			</ActionIcon>
		</Tooltip>
	);
}

export function ZoneToggle() {
	const [zone, setZone] = useZone();
	return (
		<Tooltip label={`Times are in ${zoneName(zone)}. Press u to switch.`}>
			<Button
				className="only-wide"
				variant="subtle"
				color="gray"
				size="compact-sm"
				aria-label={zone === "utc" ? "UTC: switch to local time" : "Local time: switch to UTC"}
				onClick={() => setZone(zone === "utc" ? "local" : "utc")}
			>
				{zone === "utc" ? "UTC" : "Local time"}
			</Button>
		</Tooltip>
	);
}
