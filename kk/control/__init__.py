"""kk.control: the controllers. One file each in kk.control.controllers; this floor knows kinds only through their objects.

Controllers read informers, decide purely, and write through the API like anybody else; none touches the store.
"""
