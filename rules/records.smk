# Whether Snakemake knows how the results that are there already were made.

from snakemake.persistence.file import FilePersistence
from snakemake.settings.types import PersistenceBackend


def unrecorded(files):
    """Those that are there and that Snakemake has no record of in this working folder.

    It cannot notice that the configuration of those has changed. What a killed call left unfinished
    is not of them, as it is made again.
    """
    records = FilePersistence(nolock=True)
    folders = (records._metadata_path, records._incomplete_path)
    return [
        file
        for file in files
        if Path(file).exists()
        and not any(Path(records._record_path(folder, file)).exists() for folder in folders)
    ]


if (
    workflow.is_main_process
    and not settings.partial
    and "--touch" not in sys.argv
    and workflow.workflow_settings.persistence_backend == PersistenceBackend.FILE
    and (found := unrecorded(trained_files("result.json")))
):
    logging.getLogger("fal").warning(
        f"Snakemake has no record here of how {len(found)} of the trainings in '{settings.results}' "
        f"were configured, such as {found[0]}: they are taken as they are, and what follows from a "
        "changed configuration may not be made again. If they come from elsewhere (a folder that "
        "was moved or copied, another clone), call once, before any change and with the "
        "configuration that they were made with: snakemake --touch --forceall --cores 1"
    )
