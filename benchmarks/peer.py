"""The peer of registering: a bare PyAV decode of the same streams, in one process or in as many as are asked for."""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import av


def decode(path: Path) -> None:
    """Sound to 8 kHz mono, every picture to 64 x 64 luma; what comes out is thrown away."""
    with av.open(path) as container:
        streams = [*container.streams.audio[:1], *container.streams.video[:1]]
        for stream in streams:
            stream.codec_context.thread_count = 1  # threads cost CPU of their own
        resampler = av.AudioResampler("s16", "mono", 8000)
        for packet in container.demux(streams):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    frame.to_ndarray(format="gray", width=64, height=64)
                elif isinstance(frame, av.AudioFrame):
                    for piece in resampler.resample(frame):
                        piece.to_ndarray()


def main() -> None:
    """Decodes each file named on the standard input, one a line."""
    paths = [Path(line.rstrip("\n")) for line in sys.stdin]
    with ProcessPoolExecutor(int(sys.argv[1]) if len(sys.argv) > 1 else 1) as pool:
        list(pool.map(decode, paths))


if __name__ == "__main__":
    main()
