interface NodeAt {
  readonly id: string;
  readonly url: string;
  readonly group: number;
  readonly zone: string | null;
  readonly weight: number;
  readonly intent: string;
  readonly replicas: Readonly<Record<string, number>>;
}

/** What `/_miroir/topology` answers of any epoch, as far as it is shown. */
export interface TopologyAt {
  readonly epoch: number;
  readonly nodes: readonly NodeAt[];
  readonly indexes: readonly {
    readonly uid: string;
    readonly physicalUid: string;
    readonly shardCount: number;
    readonly replicationFactor: number;
    readonly settingsVersion: number;
  }[];
  readonly aliases: readonly { readonly name: string; readonly targets: readonly string[] }[];
}

/** Of the present one it says how the nodes are, too. */
export interface Topology extends TopologyAt {
  readonly nodes: readonly (NodeAt & {
    readonly resting?: boolean;
    readonly health: { readonly state: string };
  })[];
}
