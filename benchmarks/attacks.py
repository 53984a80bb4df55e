"""The registry of attacks: what is done to an excerpt to hide it, and what is then true of the copy."""

from dataclasses import dataclass, field

from benchmarks import audio_attacks as sound
from benchmarks import video_attacks as picture


@dataclass(frozen=True, slots=True)
class AudioAttack:
    """A change of sound, then the file it is written to.

    time_scale  reference seconds per second of the copy
    codec       "wav", or "opus" at ``bit_rate`` bits a second
    required    whether a figure for it is required, so that it is measured on more titles
    """

    change: sound.Change = sound.plain
    time_scale: float = 1.0
    codec: str = "wav"
    bit_rate: int = 0
    required: bool = False
    kind: str = field(default="audio", init=False)


@dataclass(frozen=True, slots=True)
class VideoAttack:
    """A change of each picture, then how the pictures are shown and written.

    time_scale  reference seconds per second of the copy
    crf         constant rate factor of libx264: 23 is its default, higher is worse
    rate        frames a second at most; 0 keeps the original's
    mirror      whether left and right are swapped
    required    whether a figure for it is required, so that it is measured on more titles
    """

    change: picture.Change = picture.plain
    time_scale: float = 1.0
    crf: int = 23
    rate: float = 0.0
    mirror: bool = False
    required: bool = False
    kind: str = field(default="video", init=False)


Attack = AudioAttack | VideoAttack

AUDIO: dict[str, AudioAttack] = {
    "audio-none": AudioAttack(required=True),
    "audio-32-kbit": AudioAttack(codec="opus", bit_rate=32000, required=True),
    "audio-music-3-dB": AudioAttack(sound.mixed(3), required=True),
    "audio-room-noise-8-dB": AudioAttack(sound.room, required=True),
    "audio-speed-up-4": AudioAttack(sound.speed(1.04), 1.04, required=True),
    "audio-speed-down-4": AudioAttack(sound.speed(0.96), 0.96, required=True),
    "audio-pitch-up-1": AudioAttack(sound.pitch(1), required=True),
    "audio-phone": AudioAttack(sound.phone, required=True),
    "audio-tempo-up-7": AudioAttack(sound.tempo(1.07), 1.07),
    "audio-tempo-down-7": AudioAttack(sound.tempo(0.93), 0.93),
    "audio-12-kbit": AudioAttack(codec="opus", bit_rate=12000),
    "audio-clipped": AudioAttack(sound.clip),
    "audio-pink-0-dB": AudioAttack(sound.noisy(0)),
    "audio-equaliser": AudioAttack(sound.equalise),
    "audio-quarter-tone": AudioAttack(sound.pitch(0.5)),
    "audio-music-minus-4-dB": AudioAttack(sound.mixed(-4)),
    "audio-pink-minus-5-dB": AudioAttack(sound.noisy(-5)),
    "audio-babble-0-dB": AudioAttack(sound.talked_over(0)),
    "audio-tempo-up-25": AudioAttack(sound.tempo(1.25), 1.25),
    "audio-tempo-down-20": AudioAttack(sound.tempo(0.8), 0.8),
    "audio-speed-up-16": AudioAttack(sound.speed(1.16), 1.16),
    "audio-speed-down-16": AudioAttack(sound.speed(0.84), 0.84),
    "audio-pitch-up-3": AudioAttack(sound.pitch(3)),
    "audio-pitch-down-4": AudioAttack(sound.pitch(-4)),
    "audio-wavering": AudioAttack(sound.waver),
    "audio-gaps": AudioAttack(sound.gaps),
    "audio-room-pitch-phone": AudioAttack(sound.chained(sound.pitch(-1.3), sound.room, sound.phone)),
}

VIDEO: dict[str, VideoAttack] = {
    "video-none": VideoAttack(required=True),
    "video-240p-crf-38": VideoAttack(picture.small, crf=38, required=True),
    "video-mirror": VideoAttack(picture.mirror, mirror=True, required=True),
    "video-letterbox": VideoAttack(picture.letterbox, required=True),
    "video-logo-caption": VideoAttack(picture.logo_and_caption, required=True),
    "video-colour-gamma": VideoAttack(picture.colour_and_gamma, required=True),
    "video-speed-up-5": VideoAttack(time_scale=1.05, required=True),
    "video-speed-down-5": VideoAttack(time_scale=0.95, required=True),
    "video-camcorder": VideoAttack(picture.camcorder, required=True),
    "video-crop-10": VideoAttack(picture.crop(0.1)),
    "video-crop-20": VideoAttack(picture.crop(0.2)),
    "video-picture-in-picture": VideoAttack(picture.picture_in_picture),
    "video-noise": VideoAttack(picture.noise),
    "video-blur": VideoAttack(picture.blur),
    "video-rotate-3": VideoAttack(picture.rotate(3)),
    "video-10-fps": VideoAttack(rate=10.0),
    "video-crop-30-off-centre": VideoAttack(picture.crop_at_a_side(0.3)),
    "video-crop-40-off-centre": VideoAttack(picture.crop_at_a_side(0.4)),
    "video-inset-50": VideoAttack(picture.inset(0.5)),
    "video-inset-40": VideoAttack(picture.inset(0.4)),
    "video-upright": VideoAttack(picture.upright),
    "video-player": VideoAttack(picture.player),
    "video-quarter-turn": VideoAttack(picture.quarter_turn),
    "video-stickers": VideoAttack(picture.stickers),
    "video-speed-up-25": VideoAttack(time_scale=1.25),
    "video-speed-down-20": VideoAttack(time_scale=0.8),
    "video-mirror-crop-caption": VideoAttack(
        picture.chained(picture.mirror, picture.crop(0.15), picture.logo_and_caption), mirror=True
    ),
    "video-camcorder-small": VideoAttack(picture.chained(picture.camcorder, picture.small), crf=38),
}

ATTACKS: dict[str, Attack] = {**AUDIO, **VIDEO}
