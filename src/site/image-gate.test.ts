import { describe, expect, it } from 'vitest';
import { SubakoError } from '../domain/errors.ts';
import type { NewEvent } from '../domain/events.ts';
import type { ScanReply } from '../image/oci/scan/scan.ts';
import { ImageGate } from './image-gate.ts';

const CLEAN: ScanReply = { image: 'i', distribution: 'debian trixie', packages: 1, updates: [], asOf: 0, scanner: 'trivy', holes: [], unsaid: null };
const OLD: ScanReply = { ...CLEAN, updates: [{ package: 'openssl', source: 'openssl', installed: '1', fixed: '2' }] };
const LOW: ScanReply = { ...CLEAN, holes: [{ id: 'CVE-1', package: 'tar', installed: '1', fixed: '2', severity: 'low' }] };
const UNKNOWN = new SubakoError('command_failed', 'nothing can be said about the image');

function gate(imageScan: 'off' | 'warn' | 'refuse', answer: ScanReply | SubakoError) {
  const events: NewEvent[] = [];
  let scans = 0;
  const scan = async (): Promise<ScanReply> => {
    scans += 1;
    if (answer instanceof SubakoError) throw answer;
    return answer;
  };
  const deps = { images: { scan }, emit: (event: NewEvent) => void events.push(event), settings: { imageScan, imageScanSeverity: 'high' as const } };
  const admit = (ignoreScan = false): Promise<void> => new ImageGate(deps).admit('sha256:1', { domain: 'a.example', ignoreScan });
  return { admit, events, scans: () => scans };
}

describe('an image that is to be deployed', () => {
  it('is not scanned unless the operator wants it', async () => {
    const { admit, scans } = gate('off', OLD);
    await admit();
    expect(scans()).toBe(0);
  });

  it.each([
    ['has a package with a security update waiting', OLD, 'openssl'],
    ['nothing can be said of', UNKNOWN, 'nothing can be said'],
  ])('is refused where it %s', async (_name, answer, words) => {
    const { admit, events } = gate('refuse', answer);
    await expect(admit()).rejects.toMatchObject({ code: 'image_refused', message: expect.stringContaining(words) as string });
    expect(events).toMatchObject([{ type: 'image.refused', site: 'a.example' }]);
  });

  it('comes in where nothing waits, or what waits is not severe', async () => {
    for (const answer of [CLEAN, LOW]) {
      const { admit, events } = gate('refuse', answer);
      await admit();
      expect(events).toEqual([]);
    }
  });

  it('comes in with an event where the operator only wants to be told', async () => {
    const { admit, events } = gate('warn', OLD);
    await admit();
    expect(events).toMatchObject([{ type: 'image.warned', cause: 'security updates wait for openssl' }]);
  });

  it('comes in unseen, with an event, where somebody says so', async () => {
    const { admit, events, scans } = gate('refuse', OLD);
    await admit(true);
    expect(scans()).toBe(0);
    expect(events).toMatchObject([{ type: 'image.warned', cause: expect.stringContaining('--ignore-scan') as string }]);
  });
});
