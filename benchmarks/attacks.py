"""The registry of attacks: what is done to an excerpt to hide it, and what is then true of the copy."""

from dataclasses import dataclass, field

from benchmarks import audio_attacks as sound
from benchmarks import video_attacks as picture


@dataclass(frozen=True, slots=True)
class AudioAttack:
    """What else is heard, a change of sound, then the file it is written to.

    over        "speech" or "music": a recording that is not registered is mixed in, the work ``decibels`` above it
    time_scale  reference seconds per second of the copy
    codec       "wav", or "opus" at ``bit_rate`` bits a second
    required    whether a figure for it is required, so that it is measured on more titles
    hard        whether it is of the hard half: interference louder than the work, tempo 0.8 and 1.25, speed 16 % off, 3 and
                4 semitones, quarter tones, AM radio, drifting pitch, gaps
    """

    change: sound.Change = sound.plain
    time_scale: float = 1.0
    over: str = ""
    decibels: float = 0.0
    codec: str = "wav"
    bit_rate: int = 0
    required: bool = False
    hard: bool = False
    kind: str = field(default="audio", init=False)


@dataclass(frozen=True, slots=True)
class VideoAttack:
    """A change of each picture, then how the pictures are shown and written.

    time_scale  reference seconds per second of the copy
    crf         constant rate factor of libx264: 23 is its default, higher is worse
    rate        frames a second at most; 0 keeps the original's
    mirror      whether left and right are swapped
    required    whether a figure for it is required, so that it is measured on more titles
    in_part     whether part of the picture is shown, or part of the screen shows it: of these, too, each has a figure
    """

    change: picture.Change = picture.plain
    time_scale: float = 1.0
    crf: int = 23
    rate: float = 0.0
    mirror: bool = False
    required: bool = False
    in_part: bool = False
    kind: str = field(default="video", init=False)


Attack = AudioAttack | VideoAttack

# Attacks of equal kind stand together; the easier before the harder.
AUDIO: dict[str, AudioAttack] = {
    "audio-none": AudioAttack(required=True),
    "audio-32-kbit": AudioAttack(codec="opus", bit_rate=32000, required=True),
    "audio-12-kbit": AudioAttack(codec="opus", bit_rate=12000),
    "audio-music-3-dB": AudioAttack(sound.mixed(3), required=True),
    "audio-music-0-dB": AudioAttack(sound.mixed(0)),
    "audio-music-minus-4-dB": AudioAttack(sound.mixed(-4), hard=True),
    "audio-song-0-dB": AudioAttack(over="music", decibels=0),
    "audio-song-minus-4-dB": AudioAttack(over="music", decibels=-4, hard=True),
    "audio-reader-0-dB": AudioAttack(over="speech", decibels=0),
    "audio-reader-minus-4-dB": AudioAttack(over="speech", decibels=-4, hard=True),
    "audio-speech-0-dB": AudioAttack(sound.talked_over(0, speakers=1)),
    "audio-speech-minus-4-dB": AudioAttack(sound.talked_over(-4, speakers=1), hard=True),
    "audio-pink-0-dB": AudioAttack(sound.noisy(0)),
    "audio-pink-minus-5-dB": AudioAttack(sound.noisy(-5), hard=True),
    "audio-babble-0-dB": AudioAttack(sound.talked_over(0, speakers=5)),
    "audio-babble-minus-5-dB": AudioAttack(sound.talked_over(-5, speakers=5), hard=True),
    "audio-room-noise-8-dB": AudioAttack(sound.room, required=True),
    "audio-room-microphone": AudioAttack(sound.room_microphone),
    "audio-phone": AudioAttack(sound.phone, required=True),
    "audio-phone-microphone": AudioAttack(sound.phone_microphone),
    "audio-clipped": AudioAttack(sound.clip),
    "audio-limiter": AudioAttack(sound.limit),
    "audio-equaliser": AudioAttack(sound.equalise(12)),
    "audio-equaliser-24-dB": AudioAttack(sound.equalise(24)),
    "audio-speed-up-4": AudioAttack(sound.speed(1.04), 1.04, required=True),
    "audio-speed-down-4": AudioAttack(sound.speed(0.96), 0.96, required=True),
    "audio-speed-up-16": AudioAttack(sound.speed(1.16), 1.16, hard=True),
    "audio-speed-down-16": AudioAttack(sound.speed(0.84), 0.84, hard=True),
    "audio-speed-up-25": AudioAttack(sound.speed(1.25), 1.25),
    "audio-speed-down-20": AudioAttack(sound.speed(0.8), 0.8),
    "audio-tempo-up-7": AudioAttack(sound.tempo(1.07), 1.07),
    "audio-tempo-down-7": AudioAttack(sound.tempo(0.93), 0.93),
    "audio-tempo-up-25": AudioAttack(sound.tempo(1.25), 1.25, hard=True),
    "audio-tempo-down-20": AudioAttack(sound.tempo(0.8), 0.8, hard=True),
    "audio-pitch-up-1": AudioAttack(sound.pitch(1), required=True),
    "audio-pitch-down-2": AudioAttack(sound.pitch(-2)),
    "audio-pitch-up-3": AudioAttack(sound.pitch(3), hard=True),
    "audio-pitch-down-3": AudioAttack(sound.pitch(-3), hard=True),
    "audio-pitch-up-4": AudioAttack(sound.pitch(4), hard=True),
    "audio-pitch-down-4": AudioAttack(sound.pitch(-4), hard=True),
    "audio-quarter-tone": AudioAttack(sound.pitch(0.5), hard=True),
    "audio-quarter-tones-down-3": AudioAttack(sound.pitch(-1.5), hard=True),
    "audio-quarter-tones-up-7": AudioAttack(sound.pitch(3.5), hard=True),
    "audio-am-radio": AudioAttack(sound.am_radio, hard=True),
    "audio-wavering": AudioAttack(sound.waver, hard=True),
    "audio-drifting": AudioAttack(sound.drift, hard=True),
    "audio-gaps": AudioAttack(sound.gaps, hard=True),
    "audio-room-pitch-phone": AudioAttack(sound.chained(sound.pitch(-1.3), sound.room, sound.phone)),
    "audio-speed-room": AudioAttack(sound.chained(sound.speed(1.06), sound.room), 1.06),
    "audio-tempo-music": AudioAttack(sound.chained(sound.tempo(1.1), sound.mixed(3)), 1.1),
    "audio-pitch-12-kbit": AudioAttack(sound.pitch(-2), codec="opus", bit_rate=12000),
    "audio-babble-phone": AudioAttack(
        sound.chained(sound.talked_over(3, speakers=5), sound.phone_microphone)
    ),
    "audio-equaliser-limiter": AudioAttack(sound.chained(sound.equalise(18), sound.limit)),
    "audio-speed-am-radio": AudioAttack(sound.chained(sound.speed(0.95), sound.am_radio), 0.95),
    "audio-tempo-pitch-pink": AudioAttack(
        sound.chained(sound.tempo(0.92), sound.pitch(1), sound.noisy(5)), 0.92
    ),
    "audio-speech-limiter-12-kbit": AudioAttack(
        sound.chained(sound.talked_over(3, speakers=1), sound.limit), codec="opus", bit_rate=12000
    ),
    "audio-speed-equaliser-room": AudioAttack(
        sound.chained(sound.speed(1.08), sound.equalise(12), sound.room_microphone), 1.08
    ),
}

VIDEO: dict[str, VideoAttack] = {
    "video-none": VideoAttack(required=True),
    "video-240p-crf-38": VideoAttack(picture.small, crf=38, required=True),
    "video-240p-crf-40": VideoAttack(picture.small, crf=40),
    "video-10-fps": VideoAttack(rate=10.0),
    "video-noise": VideoAttack(picture.noise),
    "video-blur": VideoAttack(picture.blur),
    "video-grey": VideoAttack(picture.grey),
    "video-colour-gamma": VideoAttack(picture.colour_and_gamma, required=True),
    "video-dark-gamma": VideoAttack(picture.gamma(2.4)),
    "video-bright-gamma": VideoAttack(picture.gamma(0.4)),
    "video-hue": VideoAttack(picture.hue),
    "video-mirror": VideoAttack(picture.mirror, mirror=True, required=True),
    "video-letterbox": VideoAttack(picture.letterbox, required=True),
    "video-stretched": VideoAttack(picture.stretched(1.35)),
    "video-squeezed": VideoAttack(picture.stretched(0.7)),
    "video-logo-caption": VideoAttack(picture.logo_and_caption, required=True),
    "video-banners": VideoAttack(picture.banners),
    "video-stickers": VideoAttack(picture.stickers),
    "video-emoji": VideoAttack(picture.emoji),
    "video-speed-up-5": VideoAttack(time_scale=1.05, required=True),
    "video-speed-down-5": VideoAttack(time_scale=0.95, required=True),
    "video-speed-up-25": VideoAttack(time_scale=1.25),
    "video-speed-down-20": VideoAttack(time_scale=0.8),
    "video-crop-10": VideoAttack(picture.crop(0.1)),
    "video-crop-20": VideoAttack(picture.crop(0.2), in_part=True),
    "video-crop-20-off-centre": VideoAttack(picture.crop_at_a_side(0.2), in_part=True),
    "video-crop-30-off-centre": VideoAttack(picture.crop_at_a_side(0.3), in_part=True),
    "video-crop-40-off-centre": VideoAttack(picture.crop_at_a_side(0.4), in_part=True),
    "video-upright": VideoAttack(picture.upright, in_part=True),
    "video-upright-cut": VideoAttack(picture.upright_cut, in_part=True),
    "video-picture-in-picture": VideoAttack(picture.picture_in_picture),
    "video-inset-50": VideoAttack(picture.inset(0.5), in_part=True),
    "video-inset-40": VideoAttack(picture.inset(0.4)),
    "video-player": VideoAttack(picture.player),
    "video-camcorder": VideoAttack(picture.camcorder, required=True, in_part=True),
    "video-quarter-turn": VideoAttack(picture.quarter_turn),
    "video-rotate-3": VideoAttack(picture.rotate(3)),
    "video-rotate-6": VideoAttack(picture.rotate(-6)),
    "video-mirror-crop-caption": VideoAttack(
        picture.chained(picture.mirror, picture.crop(0.15), picture.logo_and_caption), mirror=True
    ),
    "video-camcorder-small": VideoAttack(picture.chained(picture.camcorder, picture.small), crf=38),
    "video-mirror-speed": VideoAttack(picture.mirror, time_scale=1.1, mirror=True),
    "video-crop-colour": VideoAttack(picture.chained(picture.crop_at_a_side(0.2), picture.colour_and_gamma)),
    "video-letterbox-emoji": VideoAttack(picture.chained(picture.emoji, picture.letterbox)),
    "video-inset-mirror-small": VideoAttack(
        picture.chained(picture.mirror, picture.inset(0.6), picture.small), crf=35, mirror=True
    ),
    "video-rotate-gamma-banners": VideoAttack(
        picture.chained(picture.rotate(3), picture.gamma(1.8), picture.banners)
    ),
    "video-stretched-speed-caption": VideoAttack(
        picture.chained(picture.stretched(1.2), picture.logo_and_caption), time_scale=0.93
    ),
}

ATTACKS: dict[str, Attack] = {**AUDIO, **VIDEO}
