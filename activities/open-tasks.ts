import type { FleetTask } from '../store/task-types';
import type { ActivityTools } from './tools';

/** The open tasks of the fleet that are meant, the oldest first; read one by one, for there may be many. */
export async function openTasks(
  { store: { tasks } }: Pick<ActivityTools, 'store'>,
  isMeant: (task: FleetTask) => boolean,
): Promise<FleetTask[]> {
  const meant: FleetTask[] = [];
  for (const uid of await tasks.open()) {
    const task = await tasks.get(uid);
    if (task !== null && isMeant(task)) meant.push(task);
  }
  return meant;
}
