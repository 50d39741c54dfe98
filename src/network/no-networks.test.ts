import { describe, expect, it } from 'vitest';
import { NoNetworks } from './no-networks.ts';

describe('no networks', () => {
  it('say why there are none, to whoever joins, and otherwise do nothing', async () => {
    const networks = new NoNetworks('switched off');
    networks.begin();
    await expect(networks.join()).rejects.toMatchObject({ code: 'host_unfit', message: 'containers have no network: switched off' });
    await networks.remove();
    expect(await networks.sweep()).toEqual([]);
    await networks.end();
  });
});
